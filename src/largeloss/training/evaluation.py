"""How good a model is on val or test, and by which labels that is measured.

Labels may be complete, partly observed, or positives only; what can be measured differs, and every
result says which rule it was measured by.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from largeloss.data.dataset import Dataset
from largeloss.data.inputs.loader import Batch, Loader
from largeloss.errors import ConfigError
from largeloss.forward import Forward
from largeloss.labels import LabelTable
from largeloss.metrics import (
    F1Scores,
    Interval,
    MeanAveragePrecision,
    TagCounts,
    example_average_precision,
    f1_scores,
    f1_scores_entries,
    log_rank,
    map_interval,
    mean_average_precision,
    mean_average_precision_entries,
    tag_counts,
    tag_counts_entries,
)
from largeloss.metrics.aims import F1, Aim
from largeloss.metrics.arrays import ArrayOrTensor, checked_pair
from largeloss.metrics.thresholds import (
    AimedThresholds,
    aimed_thresholds_entries,
    observed_entries,
)
from largeloss.models import Classifier
from largeloss.training.engine import EntryScores, score, score_entries
from largeloss.training.recipe import Recipe

RULES = {
    "full": "complete labels",
    "observed": "observed entries only",
    "assume-absent": "blanks counted as absent, for want of observed absences: true positives that "
    "nobody wrote down count as errors, so mAP is too low and good for ranking only",
    "nothing": "no label, for none is observed there: nothing is measured",
}


LARGE = 50_000_000
"""Entries of a split; from here on those observed are scored alone, where that is the rule."""

BOOTSTRAP = 2_000_000_000
"""Entries of a split times draws of its bootstrap: ten seconds."""

Measured = Tensor | NDArray[np.floating] | EntryScores


@dataclass(frozen=True)
class Evaluator:
    """A split's labels and the rule by which scores are measured against them."""

    rule: str
    """A name of :data:`RULES`."""
    table: LabelTable
    """Of the split's M images, in their order."""

    @classmethod
    def of(cls, table: LabelTable, rows: NDArray[np.int64], rule: str = "auto") -> Self:
        """Takes the labels of ``rows``.

        ``auto``: ``full`` where no entry is unobserved; else ``observed`` where at least half of
        the classes that have an observed positive have an observed negative too; else
        ``assume-absent``. Where nothing is observed it is ``nothing``, whatever was asked for.

        Raises:
            ConfigError: no such rule, or ``full`` with unobserved entries.
        """
        table = table.select(rows)
        if rule == "auto":
            rule = "full" if table.is_complete else _fitting_rule(table)
        if rule not in RULES:
            raise ConfigError(f"No such rule: {rule!r}; there are auto, {', '.join(RULES)}.")
        if rule == "full" and not table.is_complete:
            size = table.num_images * table.num_classes
            raise ConfigError(
                f"Rule 'full' needs complete labels, but {size - table.num_observed} of {size} "
                "entries are unobserved. Choose 'observed', 'assume-absent' or 'auto'."
            )
        return cls("nothing" if table.num_images and not table.num_observed else rule, table)

    @cached_property
    def labels(self) -> NDArray[np.int8]:
        """(M, C), unobserved entries already treated as the rule has it."""
        labels = self.table.to_dense()
        return np.maximum(labels, 0) if self.rule == "assume-absent" else labels

    def scores(self, model: Classifier | Forward, batches: Iterable[Batch]) -> Measured:
        """Predictions for the split, whose images ``batches`` has in order; collective."""
        if self.rule == "observed" and self.table.num_images * self.table.num_classes >= LARGE:
            return score_entries(model, batches, self.table)
        return score(model, batches).logits

    def measure(self, scores: Measured) -> MeanAveragePrecision:
        """Mean average precision of logits (M, C), or of the observed entries; classes without
        positives count 0."""
        if isinstance(scores, EntryScores):
            return mean_average_precision_entries(*scores, self.table.num_classes)
        return mean_average_precision(scores, self.labels)

    def figure(self, scores: Measured) -> float | None:
        """Mean average precision in percent; None where no label is observed."""
        return None if self.rule == "nothing" else self.measure(scores).value

    def log_rank(self, scores: Measured) -> float | None:
        """Mean over the classes that decide of :func:`~largeloss.metrics.log_rank`, in percent.

        Epochs and settings are chosen by it where blanks count as absent; None by other rules, and
        where no class decides.
        """
        if self.rule != "assume-absent" or not self.deciding.any():
            return None
        assert not isinstance(scores, EntryScores)
        return 100 * float(np.nanmean(log_rank(scores, self.labels)))

    def interval(
        self, scores: Measured, classes: NDArray[np.bool_] | None = None
    ) -> Interval | None:
        """Bootstrap interval of the mean over some classes (C,) bool, or over all.

        Of 1000 draws, or of fewer where there are over two million entries; None where there are
        over twenty million, or no positive.
        """
        draws = min(1000, BOOTSTRAP // max(1, self.table.num_images * self.table.num_classes))
        if draws < 100 or isinstance(scores, EntryScores):
            return None
        if classes is None:
            return map_interval(scores, self.labels, draws=draws)
        if not classes.any():
            return None
        columns = np.flatnonzero(classes)
        return map_interval(scores[:, columns], self.labels[:, columns], draws=draws)

    def entries(self, scores: Measured) -> EntryScores:
        """Those that count by the rule, of logits (M, C)."""
        if isinstance(scores, EntryScores):
            return scores
        return EntryScores(*observed_entries(*checked_pair(scores, self.labels)))

    def thresholds(
        self, scores: Measured, learnt: NDArray[np.bool_], aim: Aim = F1
    ) -> AimedThresholds:
        """Chosen for an aim, see :func:`~largeloss.metrics.shrunk_thresholds`."""
        return aimed_thresholds_entries(*self.entries(scores), self.table.num_classes, aim, learnt)

    def tag_counts(self, scores: Measured, thresholds: ArrayOrTensor) -> TagCounts:
        """How many entries lie above the thresholds (C,), and how many of them are present."""
        if isinstance(scores, EntryScores):
            return tag_counts_entries(*scores, self.table.num_classes, thresholds)
        return tag_counts(scores, self.labels, thresholds)

    def f1(self, scores: Measured, thresholds: ArrayOrTensor = 0.0) -> F1Scores:
        """Of predictions above the thresholds, () or (C,)."""
        if isinstance(scores, EntryScores):
            return f1_scores_entries(*scores, self.table.num_classes, thresholds)
        return f1_scores(scores, self.labels, thresholds)

    def by_example(self, scores: Measured) -> float | None:
        """Average precision by image, in [0, 1]; None where labels are not complete or no image
        has a tag."""
        if self.rule != "full" or not (self.table.states == 1).any():
            return None
        assert not isinstance(scores, EntryScores)
        return example_average_precision(scores, self.labels)

    @property
    def deciding(self) -> NDArray[np.bool_]:
        """(C,): classes whose average precision can differ between two models, since they have both
        a positive and a negative."""
        present, absent, unobserved = self.table.counts()
        if self.rule == "assume-absent":
            absent = absent + unobserved
        return (present > 0) & (absent > 0)

    def counts(self, classes: Sequence[str]) -> dict[str, list[int]]:
        """Class → number of images with the tag, without it, unknown: by the labels, whatever the
        rule makes of the unknown ones."""
        states = [numbers.tolist() for numbers in self.table.counts()]
        return {name: list(numbers) for name, *numbers in zip(classes, *states, strict=True)}


@dataclass(frozen=True)
class Evaluators:
    """Which splits are measured, and how."""

    val: Evaluator
    test: Evaluator
    track_test: bool = False
    """Whether test is measured after every epoch too; for curves, never for selection."""

    def measured(
        self, model: Classifier, batches: Mapping[str, Iterable[Batch]]
    ) -> dict[str, float | None]:
        """``val_map``, ``val_log_rank`` where that decides, and ``test_map`` where it is tracked,
        in percent; None of a split without labels; collective.

        ``batches`` are those of each split, in order; val stands in for a missing test split.
        """
        scores = self.val.scores(model, batches["val"])
        found = {"val_map": self.val.figure(scores)}
        if (ranked := self.val.log_rank(scores)) is not None:
            found["val_log_rank"] = ranked
        if self.track_test:
            scores = self.test.scores(model, batches.get("test", batches["val"]))
            found["test_map"] = self.test.figure(scores)
        return found


def evaluation_batch(trained: int, device: torch.device | str) -> int:
    """So many images are scored at a time by a model that is trained on batches of ``trained``: on
    a GPU no more than those, of which the memory is known to be enough."""
    return trained if torch.device(device).type == "cuda" else max(trained, 64)


def evaluation_loader(
    data: Dataset, split: str, recipe: Recipe, device: torch.device | str = "cpu"
) -> Loader:
    """Batches of a split in order, for :func:`~largeloss.training.engine.score`."""
    return Loader(
        data.source,
        data.labels,
        data.rows(split),
        evaluation_batch(recipe.batch_size, device),
        workers=recipe.workers,
        device=device,
    )


def _fitting_rule(table: LabelTable) -> str:
    present, absent, _ = table.counts()
    with_positive = int((present > 0).sum())
    with_both = int(((present > 0) & (absent > 0)).sum())
    return "observed" if 2 * with_both >= max(1, with_positive) else "assume-absent"
