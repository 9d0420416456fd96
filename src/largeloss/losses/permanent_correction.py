"""LL-Cp: the labels of the entries with the largest losses become present, permanently."""

from torch import Tensor

from largeloss.losses.base import Action, Decision, PartialLabelLoss
from largeloss.losses.functional import present
from largeloss.losses.large_loss_selection import (
    SEARCHED,
    Delta,
    Epochs,
    LargeLossSelection,
    Missing,
    RateBase,
    Ties,
)
from largeloss.losses.memory import EditMemory


class LargeLossPermanentCorrection(PartialLabelLoss):
    """Target 0 on unobserved entries, until their loss is among the largest once; then target 1.

    ``mean(cross_entropy(logits, [labels == 1 or edited or selected]))``; the selected are the
    unobserved, unedited entries whose loss is among the ``ceil(B*C * delta_rel/100)`` largest.
    They are proposed as edits in the step and committed in :meth:`set_epoch`: from then on they
    are observed positives, never selected again and never undone. Logits that need no gradient,
    and a forward pass in evaluation mode, propose nothing.

    Example:
        >>> loss = LargeLossPermanentCorrection(delta_rel=12.5)
        >>> loss.set_epoch(1)  # before each epoch; 0 is the warm-up
        >>> logits = torch.tensor([[2.0, -1.0, 0.5, -3.0], [-2.0, 1.5, -0.5, 3.0]])
        >>> labels = torch.tensor([[1, -1, -1, -1], [-1, -1, 0, -1]])
        >>> loss(logits.requires_grad_(), labels, rows=torch.tensor([7, 8])).detach()
        tensor(0.4767)
        >>> loss.set_epoch(2)
        >>> len(loss.edits.committed)
        1

    Args:
        delta_rel: Percent of the batch's entries in every epoch after the warm-up, in [0, 100];
            0.1 was published for VOC 2012.
        rate_base, ties, warmup_epochs: see :class:`.LargeLossSelection`.
        missing: Of ``delta_rel="auto"``: percent of the unobserved entries that are present, where
            that is known; see :class:`.AutoDelta`.

    Shapes: logits (B, C) float; labels (B, C) integer in {-1, 0, 1}; rows (B,); returns ().
    State: epoch, edits; of "auto" what it has estimated. Needs: rows. Memory: 21 bytes
        per edit.
    Raises: ScheduleError before set_epoch, for logits that need a gradient.
    Source: Kim et al., CVPR 2022, eq. 6 (LL-Cp), https://arxiv.org/abs/2206.03740. Differs from
        their code, which by a string comparison runs LL-Ct in its place, excludes the k-th largest
        loss itself, and keeps its edits in one process's array.
    """

    name = "ll-cp"
    title = "LL-Cp"
    paper = "Kim et al., CVPR 2022, arXiv:2206.03740"
    needs = frozenset({"rows"})
    scheduled = True
    linear_init_method = "an"
    searched = SEARCHED
    action = Action(
        "Corrected", "LL-Cp sets the label of the class to present from then on.", "large loss"
    )
    edits: EditMemory

    def __init__(
        self,
        delta_rel: Delta = 0.1,
        rate_base: RateBase = "all",
        ties: Ties = "include",
        warmup_epochs: Epochs = 1,
        missing: Missing = None,
    ) -> None:
        super().__init__()
        self.selection = LargeLossSelection(
            delta_rel, rate_base, ties, warmup_epochs, False, missing
        )
        self.auto = self.selection.auto
        self.edits = EditMemory()

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        assert rows is not None
        labels = self.edits.applied_to(labels, rows)
        epoch = self.current_epoch()
        selected = self.selection.select(logits, labels, epoch)
        warm = epoch < self.selection.warmup_epochs
        return Decision(present(labels) | selected, edits=None if warm else selected)

    def flagged(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Tensor:
        assert rows is not None
        edited = self.edits.applied_to(labels, rows)
        selected = self.selection.select(logits, edited, self.current_epoch())
        return selected | (present(edited) & ~present(labels))

    def set_epoch(self, epoch: int) -> None:
        """Commits the edits proposed in another epoch; collective over the processes."""
        before = self.epoch
        super().set_epoch(epoch)
        if epoch != before:
            self.edits.commit()
