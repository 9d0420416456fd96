"""Hill: entries taken as absent weigh less again where the model is sure that they are present."""

from typing import Annotated

import torch
from torch import Tensor

from largeloss.losses.asymmetric import focused
from largeloss.losses.base import Decision, PartialLabelLoss, Reduction
from largeloss.losses.functional import present
from largeloss.losses.settings import Range

Margin = Annotated[float, Range(0, meaning="subtracted from the logits of observed positives")]


class Hill(PartialLabelLoss):
    """Semi-hard positives; a loss of unobserved and absent entries whose slope falls to 0 at p = 1.

    ``-(1 - q)^2 log q`` on observed positives, with ``q = sigmoid(logits - margin)``, and
    ``(1.5 - p) p^2`` on all other entries: likely false negatives hardly count.

    Example:
        >>> loss = Hill()
        >>> logits = torch.tensor([[2.0, -1.0, 0.5, -3.0], [-2.0, 1.5, -0.5, 3.0]])
        >>> labels = torch.tensor([[1, -1, -1, -1], [-1, -1, 0, -1]])
        >>> loss(logits, labels)
        tensor(0.1984)

    Args:
        margin: Published 1.
        reduction: ``"mean"``, or ``"sum"`` over the entries, as published.

    Shapes: logits (B, C) float; labels (B, C) integer in {-1, 0, 1}; returns ().
    State: none. Needs: nothing. Memory: none.
    Source: Zhang et al., 2021, https://arxiv.org/abs/2112.07368.
    """

    name = "hill"
    title = "Hill"
    paper = "Zhang et al., 2021, arXiv:2112.07368"
    searched = ("margin", (0.25, 0.5, 1.0, 2.0, 4.0))

    def __init__(self, margin: Margin = 1.0, reduction: Reduction = "mean") -> None:
        super().__init__()
        self.margin, self.reduction = margin, reduction

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        return Decision(present(labels))

    def entry_loss(self, logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
        probabilities = torch.sigmoid(logits)
        absent = (1.5 - probabilities) * probabilities.square()
        return torch.where(targets, focused(logits - self.margin, 2), absent)
