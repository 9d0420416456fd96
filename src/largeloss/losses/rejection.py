"""LL-R: the largest losses are left out of the step."""

from typing import ClassVar, Literal

from torch import Tensor

from largeloss.losses.base import Decision, PartialLabelLoss
from largeloss.losses.functional import present
from largeloss.losses.large_loss_selection import LargeLossSelection


class LargeLossRejection(PartialLabelLoss):
    """Believes that unobserved entries are absent, but not those with the largest losses.

    ``mean(weights * cross_entropy(logits, [labels == 1]))``, weights 0 on the selected: the
    unobserved entries whose loss is among the ``ceil(B*C * epoch * delta_rel/100)`` largest.

    Args:
        delta_rel: Percent of the batch's entries added per epoch, in [0, 100].
        rate_base, ties, warmup_epochs: see :class:`.LargeLossSelection`.

    Shapes: logits (B, C) float; labels (B, C) integer in {-1, 0, 1}; returns ().
    State: epoch. Needs: nothing. Memory: none; decided anew in every batch.
    Raises: ScheduleError before set_epoch.
    Source: Kim et al., CVPR 2022, eq. 4 (LL-R). Differs from their code: observed entries are
        never candidates (there they are dropped where fewer than k unobserved losses exceed 0).
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
        return Decision(present(labels), ~self.flagged(logits, labels, rows))

    def flagged(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Tensor:
        rate = self.selection.growing_rate(self.current_epoch())
        return self.selection.select(logits, labels, rate)
