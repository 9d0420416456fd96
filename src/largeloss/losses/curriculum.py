"""Curriculum labelling: train on what is known, label what the model is sure of, again."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from largeloss.errors import ConfigError
from largeloss.losses.base import Decision, PartialLabelLoss
from largeloss.losses.curriculum_rules import RULES
from largeloss.losses.functional import observed, present, unobserved
from largeloss.losses.memory import EditMemory


class CurriculumLabeling(PartialLabelLoss):
    """Believes what is observed, and what it accepted of the model's own predictions.

    Partial binary cross-entropy: an image weighs more the less of it is known,
    ``mean([known] * g(known share) * cross_entropy(logits, [label == 1]))`` with
    ``g(r) = 5.45 - 4.45 r``, so that g(1) = 1.

    Between epochs :meth:`relabel` is shown the model's scores of the training images. All
    accepted labels are estimated anew each time; observed ones are never overwritten. The rules:

    * ``threshold``: present from ``limit`` on, absent up to 1 - limit;
    * ``share``: the most certain share ``limit`` of the unobserved entries of each chunk;
    * ``positives``: present from ``limit`` on, never absent;
    * ``ensemble``: as ``threshold``, on the mean of several scorings with dropout;
    * ``uncertainty``: where the standard deviation of several scorings with dropout is at most
      ``limit`` (the authors' best).

    Args:
        rule: How labels are accepted.
        limit: Of the rule; None takes 0.9, 0.1, 0.9, 0.9 and 0.05.
        num_passes: Scorings with dropout, for ``ensemble`` and ``uncertainty``.
        warmup_epochs: Epochs before labels are first accepted, at least 1.

    Shapes: logits (B, C) float; labels (B, C) integer in {-1, 0, 1}; rows (B,); returns ().
    State: epoch, edits. Needs: rows. Memory: 21 bytes an accepted label, about 100 while they are
        put in force; ``threshold`` may accept nearly every entry, ``positives`` few.
    Raises: ScheduleError before set_epoch.
    Source: Durand et al., CVPR 2019, eq. 2-5 and section 3.2; limits and the number of scorings
        are ours.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"rows"})
    scheduled: ClassVar[bool] = True
    expects_unobserved: ClassVar[bool] = False

    def __init__(
        self,
        rule: str = "threshold",
        limit: float | None = None,
        num_passes: int = 10,
        warmup_epochs: int = 1,
    ) -> None:
        super().__init__()
        if rule not in RULES:
            raise ConfigError(f"rule must be one of {', '.join(RULES)}, got {rule!r}.")
        self.rule = RULES[rule]
        self.limit = self.rule.limit if limit is None else limit
        low, high = self.rule.smallest, self.rule.largest
        if not (low <= self.limit <= high and self.limit > 0):
            least = f"at least {low}" if low else "above 0"
            raise ConfigError(
                f"limit of the rule {rule!r} must be {least} and at most {high}, "
                f"got {self.limit!r}."
            )
        if not isinstance(num_passes, int) or num_passes < 2:
            raise ConfigError(f"num_passes must be 2 or more, got {num_passes!r}.")
        if not isinstance(warmup_epochs, int) or warmup_epochs < 1:
            raise ConfigError(f"warmup_epochs must be 1 or more, got {warmup_epochs!r}.")
        self.num_passes, self.warmup_epochs = num_passes, warmup_epochs
        # Not a buffer: DistributedDataParallel would overwrite it from rank 0.
        self.edits = EditMemory()
        self._relabelled = False

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        assert rows is not None
        labels = self.edits.applied_to(labels, rows)
        known = observed(labels).to(logits.dtype)
        gain = 5.45 - 4.45 * known.mean(dim=1, keepdim=True)
        return Decision(present(labels), known * gain)

    def flagged(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Tensor:
        assert rows is not None
        return present(self.edits.applied_to(labels, rows)) & ~present(labels)

    def passes(self, epoch: int) -> int:
        if epoch < self.warmup_epochs:
            return 0
        return self.num_passes if self.rule.stochastic else 1

    def relabel(self, logits: Tensor, labels: Tensor, rows: Tensor) -> None:
        probabilities = torch.sigmoid(logits.double())
        states = self.rule.accept(probabilities, unobserved(labels), self.limit)
        means = logits.mean(dim=0)
        self.edits.propose(rows, states >= 0, means, self.current_epoch(), states)
        self._relabelled = True

    def set_epoch(self, epoch: int) -> None:
        """Puts the labels accepted since the last call in place of the earlier ones; collective."""
        super().set_epoch(epoch)
        if self._relabelled:
            self.edits.commit(replace=True)
            self._relabelled = False

    def get_extra_state(self) -> dict[str, Any]:
        relabelled = {"relabelled": self._relabelled}
        return {**super().get_extra_state(), "edits": self.edits.state(), **relabelled}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        self.edits.restore(state.get("edits", {}))
        self._relabelled = bool(state.get("relabelled", False))
        super().set_extra_state(state)
