"""LSAN: assume negative, with label smoothing."""

from typing import Annotated

from torch import Tensor

from largeloss.losses.base import Decision, PartialLabelLoss
from largeloss.losses.functional import present
from largeloss.losses.settings import Range


class LabelSmoothingAssumeNegative(PartialLabelLoss):
    """Target 0 on unobserved entries, with every target smoothed.

    Targets are ``1 - smoothing`` on observed positives and ``smoothing`` on all other entries,
    observed negatives included.

    Example:
        >>> loss = LabelSmoothingAssumeNegative(smoothing=0.1)
        >>> logits = torch.tensor([[2.0, -1.0, 0.5, -3.0], [-2.0, 1.5, -0.5, 3.0]])
        >>> labels = torch.tensor([[1, -1, -1, -1], [-1, -1, 0, -1]])
        >>> loss(logits, labels)
        tensor(0.8955)

    Args:
        smoothing: In [0, 0.5]; published 0.1.

    Shapes: logits (B, C) float; labels (B, C) integer in {-1, 0, 1}; returns ().
    State: none. Needs: nothing. Memory: none.
    Raises: ConfigError for a smoothing outside [0, 0.5].
    Source: Cole et al., CVPR 2021, eq. 4, https://arxiv.org/abs/2106.09708, with their code's
        smoothing (the text halves it).
    """

    name = "lsan"
    title = "LSAN"
    paper = "Cole et al., CVPR 2021, arXiv:2106.09708"
    searched = ("smoothing", (0.025, 0.05, 0.1, 0.2, 0.4))

    def __init__(self, smoothing: Annotated[float, Range(0, 0.5)] = 0.1) -> None:
        super().__init__()
        self.smoothing = smoothing

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        positive = present(labels).to(logits.dtype)
        targets = self.smoothing + positive * (1 - 2 * self.smoothing)
        return Decision(targets)
