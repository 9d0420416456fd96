"""WAN: the many assumed negatives together weigh as much as one positive."""

from torch import Tensor

from largeloss.losses.base import Decision, PartialLabelLoss
from largeloss.losses.functional import present, unobserved


class WeightedAssumeNegative(PartialLabelLoss):
    """Believes that unobserved entries are absent, with weight 1/(C-1) each.

    Observed entries weigh 1; with one class unobserved entries weigh 1 too.

    Shapes: logits (B, C) float; labels (B, C) integer in {-1, 0, 1}; returns ().
    State: none. Needs: nothing. Memory: none.
    Source: Cole et al., CVPR 2021, eq. 3. Observed negatives, which never occur there, weigh 1.
    """

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        weights = logits.new_ones(labels.shape)
        weights.masked_fill_(unobserved(labels), 1 / max(1, labels.shape[1] - 1))
        return Decision(present(labels), weights)
