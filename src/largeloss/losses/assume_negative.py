"""Naive AN: what nobody wrote down is taken to be absent."""

from torch import Tensor

from largeloss.losses.base import Decision, PartialLabelLoss
from largeloss.losses.functional import present


class AssumeNegative(PartialLabelLoss):
    """Believes that unobserved entries are absent, fully.

    ``mean(cross_entropy(logits, [labels == 1]))``

    Shapes: logits (B, C) float; labels (B, C) integer in {-1, 0, 1}; returns ().
    State: none. Needs: nothing. Memory: none.
    Source: Kim et al., CVPR 2022, eq. 1 ("Naive AN").
    """

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        return Decision(present(labels))
