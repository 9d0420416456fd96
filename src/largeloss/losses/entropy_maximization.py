"""EM: unobserved entries are taken as unknown, and their entropy is maximised."""

from typing import Annotated

import torch
from torch import Tensor

from largeloss.losses.base import Decision, PartialLabelLoss
from largeloss.losses.functional import minus_log, unobserved
from largeloss.losses.settings import Range

EntropyWeight = Annotated[float, Range(0, meaning="weight of an unobserved entry's entropy")]


class EntropyMaximization(PartialLabelLoss):
    """Cross-entropy on observed entries; the entropy of unobserved ones is maximised.

    ``mean([observed] * cross_entropy(logits, labels) - [unobserved] * entropy_weight * H(p))`` with
    ``H(p) = -p log p - (1 - p) log(1 - p)``: what is not known draws a prediction towards 1/2, and
    the less the more certain it is.

    Example:
        >>> loss = EntropyMaximization(entropy_weight=0.2)
        >>> logits = torch.tensor([[2.0, -1.0, 0.5, -3.0], [-2.0, 1.5, -0.5, 3.0]])
        >>> labels = torch.tensor([[1, -1, -1, -1], [-1, -1, 0, -1]])
        >>> loss(logits, labels)
        tensor(0.0134)

    Args:
        entropy_weight: Published 0.2 (VOC), 0.1 (COCO, NUS-WIDE), 0.01 (CUB).

    Shapes: logits (B, C) float; labels (B, C) integer in {-1, 0, 1}; returns ().
    State: none. Needs: nothing. Memory: none. The loss may be negative.
    Source: Zhou et al., ECCV 2022, https://arxiv.org/abs/2203.16219. Observed negatives,
        which never occur there, have cross-entropy with weight 1.
    """

    name = "em"
    title = "EM"
    paper = "Zhou et al., ECCV 2022, arXiv:2203.16219"
    searched = ("entropy_weight", (0.01, 0.05, 0.1, 0.2, 0.4))

    def __init__(self, entropy_weight: EntropyWeight = 0.2) -> None:
        super().__init__()
        self.entropy_weight = entropy_weight

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        weights = logits.new_ones(labels.shape).masked_fill_(
            unobserved(labels), self.entropy_weight
        )
        return Decision(labels, weights)

    def entry_loss(self, logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
        return cross_entropy_or_entropy(logits, targets)


def cross_entropy_or_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """(B, C): cross-entropy against ``targets`` in [0, 1]; minus the entropy where they are -1."""
    yes, no = minus_log(logits), minus_log(-logits)
    minus_entropy = -torch.sigmoid(logits) * yes - torch.sigmoid(-logits) * no
    known = targets.to(logits.dtype)
    return torch.where(unobserved(targets), minus_entropy, known * yes + (1 - known) * no)
