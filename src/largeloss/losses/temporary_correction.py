"""LL-Ct: the largest losses are taken for missing tags, for this step."""

from typing import ClassVar, Literal

from torch import Tensor

from largeloss.losses.base import Decision, PartialLabelLoss
from largeloss.losses.functional import present
from largeloss.losses.large_loss_selection import LargeLossSelection


class LargeLossTemporaryCorrection(PartialLabelLoss):
    """Believes that unobserved entries are absent, and those with the largest losses present.

    ``mean(cross_entropy(logits, [labels == 1 or selected]))``; the selected ones are unobserved
    entries whose loss is among the ``ceil(B*C * epoch * delta_rel/100)`` largest. Their gradient
    is that of ``-log p``.

    Args:
        delta_rel: Percent of the batch's entries added per epoch, in [0, 100].
        rate_base, ties, warmup_epochs: see :class:`.LargeLossSelection`.

    Shapes: logits (B, C) float; labels (B, C) integer in {-1, 0, 1}; returns ().
    State: epoch. Needs: nothing. Memory: none; decided anew in every batch.
    Raises: ScheduleError before set_epoch.
    Source: Kim et al., CVPR 2022, eq. 5 (LL-Ct). Differs from their code: observed entries are
        never candidates (there they are flipped where fewer than k unobserved losses exceed 0).
    """

    scheduled: ClassVar[bool] = True

    def __init__(
        self,
        delta_rel: float,
        rate_base: Literal["all", "unobserved"] = "all",
        ties: Literal["include", "stable"] = "include",
        warmup_epochs: int = 1,
    ) -> None:
        super().__init__()
        self.selection = LargeLossSelection(delta_rel, rate_base, ties, warmup_epochs)

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        selected = self.flagged(logits, labels, rows)
        return Decision(present(labels) | selected)

    def flagged(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Tensor:
        rate = self.selection.growing_rate(self.current_epoch())
        return self.selection.select(logits, labels, rate)
