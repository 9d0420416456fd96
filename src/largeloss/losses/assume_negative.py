"""Naive AN: unobserved entries are taken as absent."""

from torch import Tensor

from largeloss.losses.base import Decision, PartialLabelLoss
from largeloss.losses.functional import present


class AssumeNegative(PartialLabelLoss):
    """Target 0 on unobserved entries, with full weight.

    ``mean(cross_entropy(logits, [labels == 1]))``

    Example:
        >>> loss = AssumeNegative()
        >>> logits = torch.tensor([[2.0, -1.0, 0.5, -3.0], [-2.0, 1.5, -0.5, 3.0]])
        >>> labels = torch.tensor([[1, -1, -1, -1], [-1, -1, 0, -1]])
        >>> loss(logits, labels)
        tensor(0.8517)

    Shapes: logits (B, C) float; labels (B, C) integer in {-1, 0, 1}; returns ().
    State: none. Needs: nothing. Memory: none.
    Source: Kim et al., CVPR 2022, eq. 1 ("Naive AN"), https://arxiv.org/abs/2206.03740.
    """

    name = "an"
    title = "Naive AN"
    paper = "Kim et al., CVPR 2022, arXiv:2206.03740"

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        return Decision(present(labels))
