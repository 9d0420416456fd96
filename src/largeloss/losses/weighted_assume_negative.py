"""WAN: the assumed negatives of an image together weigh as much as one positive."""

from torch import Tensor

from largeloss.losses.base import Decision, PartialLabelLoss
from largeloss.losses.functional import present, unobserved


class WeightedAssumeNegative(PartialLabelLoss):
    """Target 0 on unobserved entries, with weight 1/(C-1) each.

    Observed entries weigh 1; with one class unobserved entries weigh 1 too.

    Example:
        >>> loss = WeightedAssumeNegative()
        >>> logits = torch.tensor([[2.0, -1.0, 0.5, -3.0], [-2.0, 1.5, -0.5, 3.0]])
        >>> labels = torch.tensor([[1, -1, -1, -1], [-1, -1, 0, -1]])
        >>> loss(logits, labels)
        tensor(0.3340)

    Shapes: logits (B, C) float; labels (B, C) integer in {-1, 0, 1}; returns ().
    State: none. Needs: nothing. Memory: none.
    Source: Cole et al., CVPR 2021, eq. 3, https://arxiv.org/abs/2106.09708. Observed negatives,
        which never occur there, weigh 1.
    """

    name = "wan"
    title = "WAN"
    paper = "Cole et al., CVPR 2021, arXiv:2106.09708"

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        weights = logits.new_ones(labels.shape)
        weights.masked_fill_(unobserved(labels), 1 / max(1, labels.shape[1] - 1))
        return Decision(present(labels), weights)
