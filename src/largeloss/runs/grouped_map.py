"""Average precision over annotated entries, by groups of classes, as published for OpenImages.

Nothing of the size images × classes is ever made.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from largeloss.config import RunConfig, make_config
from largeloss.data.importers.openimages import groups as grouped_by_count
from largeloss.forward import Forward
from largeloss.metrics import GroupedMAP, annotated_average_precision, grouped_average_precision
from largeloss.notebook import html_table
from largeloss.runs.data import open_data
from largeloss.runs.evaluate import opened_to_measure
from largeloss.runs.opened import LoadedRun
from largeloss.runs.training_labels import training_dataset
from largeloss.training.engine import score_entries


@dataclass(frozen=True)
class GroupedFigures:
    """mAP of each group of classes, in percent."""

    split: str
    measured: GroupedMAP
    ap: dict[str, float | None]
    """Class → average precision, a fraction; None for a class never annotated in the split."""
    members: dict[str, int]
    """Class → its group, from 1."""
    annotations: tuple[tuple[int, int], ...]
    """Of each group: the least and the most train annotations of a class."""
    num_entries: int
    """Annotated entries of the split."""
    notes: tuple[str, ...] = ()
    """Remarks on the data."""

    @property
    def plain(self) -> dict[str, Any]:
        """As in the .json file."""
        measured = self.measured
        names = [f"G{number + 1}" for number in range(len(measured.groups))]
        return {
            "split": self.split,
            "rule": "observed",
            "groups": dict(zip(names, measured.groups, strict=True)),
            "all": measured.all,
            "classes_counted": dict(zip(names, measured.num_counted, strict=True)),
            "classes_never_annotated": measured.num_never_annotated,
            "classes_without_positives": measured.num_without_positives,
            "entries": self.num_entries,
            "ap": self.ap,
            "group_of": self.members,
        }

    @property
    def remark(self) -> str:
        """What was counted and what was not."""
        measured = self.measured
        return (
            f"{self.split}: {self.num_entries} annotated entries. "
            f"{measured.num_never_annotated} of {len(self.ap)} classes are never annotated and "
            f"cannot be evaluated; {measured.num_without_positives} are annotated but nowhere "
            "present and count 0. 'all' is the mean of the groups."
        )

    def _repr_html_(self) -> str:
        means = [*self.measured.groups, self.measured.all]
        names = [f"G{number + 1}" for number in range(len(means) - 1)]
        rows = [
            (name, "–" if mean is None else f"{mean:.1f}")
            for name, mean in zip([*names, "all"], means, strict=True)
        ]
        return html_table(("Group", "mAP (%)"), rows, self.remark)


def evaluate_groups(
    run: Path,
    data: Path | None = None,
    *,
    groups: int = 5,
    split: str = "test",
    unlisted: str | None = None,
    bad_images: str | None = None,
    backend: str = "auto",
    precision: str | None = None,
) -> GroupedFigures:
    """Measures the best weights of a run on a split, over its annotated entries alone.

    Args:
        run: Its folder.
        data: A data folder; None for that of the run.
        groups: How many of (nearly) equal size the classes are divided into, by ascending number of
            train annotations.
        split, unlisted, bad_images, backend, precision: As of
            :func:`~largeloss.runs.evaluate.evaluate`.

    Raises:
        ConfigError, CheckpointError: there is no such run, nothing to load, or fewer classes than
            groups.
        DataError, LabelError: the data cannot be read, or does not fit the model.
    """
    opened, forward, notes = opened_to_measure(
        run, data, split, unlisted, bad_images, backend, precision
    )
    return replace(measure_groups(opened, split, groups, forward), notes=notes)


def measure_groups(
    opened: LoadedRun, split: str, num_groups: int, forward: Forward | None = None
) -> GroupedFigures:
    """Measures a run by groups of classes, by ascending number of train annotations.

    ``forward`` is the run's network as it is to be computed; None for torch.

    Raises:
        ConfigError: more groups than classes.
        DataError: no such split, or the run's own data cannot be read.
    """
    labels = opened.dataset.labels
    classes = labels.classes
    counts = train_counts(opened.settings, classes)
    members = grouped_by_count(counts, num_groups)
    table = labels.select(opened.dataset.rows(split))
    entries = score_entries(forward or opened.model.network, opened.loader(split), table)
    ap = annotated_average_precision(entries.scores, entries.states, entries.columns, len(classes))
    known = [None if math.isnan(value) else value for value in ap.tolist()]
    of_groups = (counts[members == number] for number in range(num_groups))
    return GroupedFigures(
        split=split,
        measured=grouped_average_precision(ap, members),
        ap=dict(zip(classes, known, strict=True)),
        members=dict(zip(classes, (members + 1).tolist(), strict=True)),
        annotations=tuple((int(own.min()), int(own.max())) for own in of_groups),
        num_entries=table.num_observed,
    )


def train_counts(settings: RunConfig, classes: tuple[str, ...]) -> NDArray[np.int64]:
    """(C,) in how many training images of a run each of ``classes`` was annotated, for the method.

    No image is decoded: annotations of images that were left out are counted too.
    """
    settings = make_config([settings.plain(), {"data": {"classes": list(classes)}}])
    dataset = training_dataset(open_data(settings), settings.method.name)
    labels, in_train = dataset.labels, np.zeros(dataset.labels.num_images, dtype=bool)
    in_train[dataset.rows("train")] = True
    counted = labels.columns[np.repeat(in_train, np.diff(labels.offsets))]
    return np.bincount(counted, minlength=len(classes))
