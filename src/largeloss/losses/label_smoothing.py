"""LSAN: assume negative, but never quite."""

from torch import Tensor

from largeloss.errors import ConfigError
from largeloss.losses.base import Decision, PartialLabelLoss
from largeloss.losses.functional import present


class LabelSmoothingAssumeNegative(PartialLabelLoss):
    """Believes that unobserved entries are absent, with every target smoothed.

    Targets are ``1 - smoothing`` on observed positives and ``smoothing`` on all other entries,
    observed negatives included.

    Args:
        smoothing: In [0, 0.5]; published 0.1.

    Shapes: logits (B, C) float; labels (B, C) integer in {-1, 0, 1}; returns ().
    State: none. Needs: nothing. Memory: none.
    Raises: ConfigError for a smoothing outside [0, 0.5].
    Source: Cole et al., CVPR 2021, eq. 4, with their code's smoothing (the text halves it).
    """

    def __init__(self, smoothing: float = 0.1) -> None:
        super().__init__()
        if not 0 <= smoothing <= 0.5:
            raise ConfigError(f"smoothing must lie in [0, 0.5], got {smoothing!r}.")
        self.smoothing = smoothing

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        positive = present(labels).to(logits.dtype)
        targets = self.smoothing + positive * (1 - 2 * self.smoothing)
        return Decision(targets)
