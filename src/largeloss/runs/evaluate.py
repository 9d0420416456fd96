"""How good a trained classifier is on a split."""

from dataclasses import dataclass
from pathlib import Path

from largeloss.forward import Forward, choose_for
from largeloss.forward.choice import check_choice
from largeloss.notebook import html_table
from largeloss.runs.mean_over_classes import MeanOverClasses, ap_in_words
from largeloss.runs.opened import LoadedRun, open_run
from largeloss.runs.seen_in_training import seen_in_training
from largeloss.runs.tag_rules import number_or_none
from largeloss.training.evaluation import RULES, Evaluator


@dataclass(frozen=True)
class Evaluation:
    """Figures of one split. mAP and F1 in percent, average precision of a class as a fraction."""

    split: str
    rule: str
    """Labelling rule, see :mod:`largeloss.training.evaluation`."""
    map: float
    """Over all classes; those without positives count 0, as published."""
    map_measurable: float | None
    """Over the classes that are present in some images and absent in others; None without any."""
    ap: dict[str, float]
    """Class → average precision."""
    counts: dict[str, list[int]]
    """Class → images in which it is present, absent, unobserved by the labels."""
    classes_without_positives: int
    """They count 0 in ``map``."""
    tag_precision: float | None
    """Share of the tags that are right, in percent, with the model's thresholds; None where no
    entry is tagged."""
    tag_recall: float
    """Share of the present entries that are tagged, in percent."""
    classes_without_negatives: int
    """They count 1 in ``map`` for any model."""
    of1: float
    """Harmonic mean of these two."""
    cf1: float
    """Mean over classes of precision and recall, as F1."""
    class_precision: dict[str, float | None]
    """Class → share of its tags that are right, a fraction; None where it is not tagged."""
    class_recall: dict[str, float | None]
    """Class → share of its images that get the tag, a fraction; None where there are none."""
    num_images: int
    notes: tuple[str, ...]
    """Remarks on the data."""

    @property
    def rule_description(self) -> str:
        """The labelling rule in words."""
        return RULES[self.rule]

    @property
    def mean(self) -> MeanOverClasses:
        """``map`` and ``map_measurable``, to be told."""
        return MeanOverClasses(
            self.map,
            self.map_measurable,
            len(self.ap),
            self.classes_without_positives,
            self.classes_without_negatives,
        )

    def _repr_html_(self) -> str:
        rows = [
            (name, ap_in_words(ap, self.counts[name], self.rule), *map(str, self.counts[name]))
            for name, ap in self.ap.items()
        ]
        titles = ("Class", "AP (%)", "Present", "Absent", "Unknown")
        return html_table(titles, rows, f"{self.split}: mAP {self.mean.lead:.1f} %")


def evaluate(
    run: Path,
    data: Path | None = None,
    *,
    split: str = "test",
    unlisted: str | None = None,
    bad_images: str | None = None,
    backend: str = "auto",
    precision: str | None = None,
) -> Evaluation:
    """Measures the best weights of a run on a split, by the labels as they are given.

    Args:
        run: Its folder.
        data: A data folder; None for that of the run.
        split: train, val or test.
        unlisted: For tag lists of ``data``: ``"unknown"`` or ``"absent"``.
        bad_images: ``"error"``, or ``"skip"`` to leave out images that cannot be read; None for
            what the run was told.
        backend, precision: How the network is computed, as of ``predict``.

    Raises:
        ConfigError, CheckpointError: there is no such run, or nothing to load.
        DataError, LabelError: the data cannot be read, or does not fit the model.
    """
    opened, forward, notes = opened_to_measure(
        run, data, split, unlisted, bad_images, backend, precision
    )
    dataset, model = opened.dataset, opened.model
    rows, classes = dataset.rows(split), dataset.labels.classes
    evaluator = Evaluator.of(dataset.labels, rows)
    scores = evaluator.scores(forward, opened.loader(split))
    measured = evaluator.measure(scores)
    f1 = evaluator.f1(scores, model.logit_thresholds)
    tags = evaluator.tag_counts(scores, model.logit_thresholds)
    return Evaluation(
        split=split,
        rule=evaluator.rule,
        map=measured.value,
        map_measurable=measured.measurable,
        ap=dict(zip(classes, measured.per_class.tolist(), strict=True)),
        counts=evaluator.counts(classes),
        classes_without_positives=measured.num_absent,
        tag_precision=f1.overall_precision if tags.predicted.any() else None,
        tag_recall=f1.overall_recall,
        classes_without_negatives=measured.num_without_negatives,
        of1=f1.overall_f1,
        cf1=f1.class_f1,
        class_precision=dict(zip(classes, map(number_or_none, tags.precision), strict=True)),
        class_recall=dict(zip(classes, map(number_or_none, tags.recall), strict=True)),
        num_images=len(rows),
        notes=notes,
    )


def opened_to_measure(
    run: Path,
    data: Path | None,
    split: str,
    unlisted: str | None,
    bad_images: str | None,
    backend: str,
    precision: str | None,
) -> tuple[LoadedRun, Forward, tuple[str, ...]]:
    """A run with data, its network as it is to be computed, and remarks; as :func:`evaluate`."""
    check_choice(backend, precision)
    opened = open_run(run, data, unlisted, bad_images, split)
    forward = choose_for(opened.model.network, opened.loader(split), backend, precision)
    remarks = filter(None, [forward.remark])
    notes = (*opened.dataset.notes, *seen_in_training(run, opened, split), *remarks)
    return opened, forward, notes
