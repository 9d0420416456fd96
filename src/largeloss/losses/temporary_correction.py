"""LL-Ct: the entries with the largest losses get target 1 in the step."""

from torch import Tensor

from largeloss.losses.base import Action, Decision, PartialLabelLoss
from largeloss.losses.functional import present
from largeloss.losses.large_loss_selection import (
    SEARCHED,
    Delta,
    Epochs,
    LargeLossSelection,
    Missing,
    NumEpochs,
    RateBase,
    Ties,
)


class LargeLossTemporaryCorrection(PartialLabelLoss):
    """Target 0 on unobserved entries, target 1 on those with the largest losses.

    ``mean(cross_entropy(logits, [labels == 1 or selected]))``; the selected ones are unobserved
    entries whose loss is among the ``ceil(B*C * epoch * delta_rel/100)`` largest. Their gradient
    is that of ``-log p``. So it is on validation data, too: for a val loss without correction use
    :class:`.AssumeNegative`.

    Example:
        >>> loss = LargeLossTemporaryCorrection(delta_rel=12.5)
        >>> loss.set_epoch(1)  # before each epoch; 0 is the warm-up
        >>> logits = torch.tensor([[2.0, -1.0, 0.5, -3.0], [-2.0, 1.5, -0.5, 3.0]])
        >>> labels = torch.tensor([[1, -1, -1, -1], [-1, -1, 0, -1]])
        >>> loss(logits, labels)
        tensor(0.4767)

    Args:
        delta_rel: Percent of the batch's entries added per epoch, in [0, 100]; 0.2 was published
            for VOC 2012.
        rate_base, ties, warmup_epochs: see :class:`.LargeLossSelection`.
        missing: Of ``delta_rel="auto"``: percent of the unobserved entries that are present, where
            that is known; see :class:`.AutoDelta`.
        num_epochs: Of ``"auto"``: epochs of the training. In a run: those of the run.

    Shapes: logits (B, C) float; labels (B, C) integer in {-1, 0, 1}; returns ().
    State: epoch; of "auto" what it has estimated. Needs: nothing. Memory: none;
        decided again in every batch. "auto": 8 kB per class in one epoch.
    Raises: ScheduleError before set_epoch, for logits that need a gradient.
    Source: Kim et al., CVPR 2022, eq. 5 (LL-Ct), https://arxiv.org/abs/2206.03740. Differs from
        their code: observed entries are never candidates (there they are flipped where fewer than
        k unobserved losses exceed 0).
    """

    name = "ll-ct"
    title = "LL-Ct"
    paper = "Kim et al., CVPR 2022, arXiv:2206.03740"
    scheduled = True
    linear_init_method = "an"
    searched = SEARCHED
    action = Action(
        "Corrected", "LL-Ct sets the target of the class to present in that step.", "large loss"
    )

    def __init__(
        self,
        delta_rel: Delta = 0.2,
        rate_base: RateBase = "all",
        ties: Ties = "include",
        warmup_epochs: Epochs = 1,
        missing: Missing = None,
        num_epochs: NumEpochs = None,
    ) -> None:
        super().__init__()
        self.selection = LargeLossSelection(
            delta_rel, rate_base, ties, warmup_epochs, True, missing, num_epochs
        )
        self.auto = self.selection.auto

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        selected = self.flagged(logits, labels, rows)
        return Decision(present(labels) | selected)

    def flagged(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Tensor:
        return self.selection.select(logits, labels, self.current_epoch())
