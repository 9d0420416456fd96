"""Curriculum labelling: train on known labels, add confident predictions to them, repeat."""

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from largeloss.errors import ConfigError
from largeloss.labels.table import LabelTable
from largeloss.losses.base import Action, Decision, PartialLabelLoss
from largeloss.losses.curriculum_rules import RULES
from largeloss.losses.functional import check_table_fits, observed, present, unobserved
from largeloss.losses.memory import EditMemory
from largeloss.losses.settings import Range

_BYTES_PER_LABEL = 100  # while accepted labels are put in force


class CurriculumLabeling(PartialLabelLoss):
    """Weight 0 on entries that are neither observed nor accepted from the model's predictions.

    Partial binary cross-entropy, ``mean([known] * g(r) * cross_entropy(logits, [label == 1]))``:
    known are the observed and the accepted entries, r is their share of the image's, and
    ``g(r) = 5.45 - 4.45 r``, so that an image weighs more the less of it is known, and g(1) = 1.

    Between epochs :meth:`relabel` gets the model's predictions for the training images. All
    accepted labels are estimated again each time; observed ones are never overwritten. The rules:

    * ``threshold``: present from ``limit`` on, absent up to 1 - limit;
    * ``share``: the most certain share ``limit`` of the unobserved entries of each chunk;
    * ``positives``: present from ``limit`` on, never absent;
    * ``ensemble``: as ``threshold``, on the mean of several passes with dropout;
    * ``uncertainty``: where the standard deviation of several passes with dropout is at most
      ``limit`` (the authors' best).

    Example:
        >>> loss = CurriculumLabeling(rule="positives", limit=0.9)
        >>> logits = torch.tensor([[2.0, -1.0, 0.5, -3.0], [-2.0, 1.5, -0.5, 3.0]])
        >>> labels = torch.tensor([[1, -1, -1, -1], [-1, -1, 0, -1]])
        >>> rows = torch.tensor([7, 8])
        >>> loss.set_epoch(0)  # before each epoch
        >>> before = loss(logits, labels, rows)
        >>> loss.relabel(logits[None], labels, rows)  # one pass: sigmoid(3.0) is above 0.9
        >>> loss.set_epoch(1)
        >>> before, loss(logits, labels, rows)
        (tensor(0.3259), tensor(0.2795))

    Args:
        rule: How labels are accepted.
        limit: Of the rule; None takes 0.9, 0.1, 0.9, 0.9 and 0.05.
        num_passes: Passes with dropout, for ``ensemble`` and ``uncertainty``.
        warmup_epochs: Epochs before labels are first accepted, at least 1.

    Shapes: logits (B, C) float; labels (B, C) integer in {-1, 0, 1}; rows (B,); returns ().
    State: epoch, edits. Needs: rows. Memory: 21 bytes an accepted label, about 100 while they are
        put in force; ``threshold`` may accept nearly every entry, ``positives`` few.
    Raises: ScheduleError before set_epoch, for logits that need a gradient; ConfigError for labels
        that may not fit into memory.
    Source: Durand et al., CVPR 2019, eq. 2-5 and section 3.2, https://arxiv.org/abs/1902.09720;
        limits and the number of passes are ours.
    """

    name = "curriculum"
    title = "Curriculum"
    paper = "Durand et al., CVPR 2019, arXiv:1902.09720"
    needs = frozenset({"rows"})
    scheduled = True
    expects_unobserved = False
    needs_observed_negatives = True
    action = Action(
        "Labelled",
        "Curriculum labelling trains on the class as present, as long as its prediction is "
        "confident.",
        "confident prediction",
    )
    edits: EditMemory

    def __init__(
        self,
        rule: str = "threshold",
        limit: float | None = None,
        num_passes: Annotated[int, Range(2)] = 10,
        warmup_epochs: Annotated[int, Range(1)] = 1,
    ) -> None:
        super().__init__()
        if rule not in RULES:
            raise ConfigError(f"rule must be one of {', '.join(RULES)}, got {rule!r}.")
        self.rule = RULES[rule]
        self.limit = self.rule.limit if limit is None else limit
        if self.limit not in self.rule.range:
            raise ConfigError(
                f"limit of the rule {rule!r} must be {self.rule.range}, got {self.limit!r}."
            )
        self.num_passes, self.warmup_epochs = num_passes, warmup_epochs
        self.edits = EditMemory()
        self._relabelled = False  # since the last set_epoch
        self._labelled = False

    @classmethod
    def arguments(
        cls, table: LabelTable, rows: NDArray[np.int64], settings: Mapping[str, Any]
    ) -> tuple[dict[str, Any], list[str]]:
        loss = cls(**settings)
        share = {"positives": 0.0, "share": loss.limit}.get(settings.get("rule", "threshold"), 1.0)
        check_table_fits(
            "Curriculum labelling may keep labels for",
            (len(rows), table.num_classes),
            _BYTES_PER_LABEL * share,
            instead="rule=positives, which keeps tags alone",
        )
        return dict(settings), []

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
        return self.num_passes if self.stochastic else 1

    @property
    def stochastic(self) -> bool:
        return self.rule.stochastic

    def note_predictions(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> None:
        assert rows is not None
        probabilities = torch.sigmoid(logits.double())
        states = self.rule.accept(probabilities, unobserved(labels), self.limit)
        means = logits.mean(dim=0)
        self.edits.propose(rows, states >= 0, means, self.current_epoch(), states)
        self._relabelled = True

    def lacks_predictions(self) -> bool:
        return self.passes(self.current_epoch()) > 0 and not self._labelled

    def set_epoch(self, epoch: int) -> None:
        """Puts the labels accepted since the last call in place of the earlier ones; collective."""
        super().set_epoch(epoch)
        if self._relabelled:
            self.edits.commit(replace=True)
            self._relabelled, self._labelled = False, True

    def get_extra_state(self) -> dict[str, Any]:
        flags = {"relabelled": self._relabelled, "labelled": self._labelled}
        return super().get_extra_state() | flags

    def set_extra_state(self, state: dict[str, Any]) -> None:
        super().set_extra_state(state)
        self._relabelled = bool(state.get("relabelled", False))
        self._labelled = bool(state.get("labelled", False))
