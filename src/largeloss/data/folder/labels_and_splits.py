"""Labels and splits of a data folder, without its images."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from largeloss.data.dataset import Dataset, Rows
from largeloss.data.folder.dataset_json import DESCRIPTION, Description, Folders, read_description
from largeloss.data.inputs.source import LabelsOnly
from largeloss.errors import DataError
from largeloss.labels import LabelTable, read_labels
from largeloss.labels.files.layouts import SPLITS

FEATURES = "features.safetensors"


@dataclass(frozen=True)
class Records:
    """What a data folder says of its images."""

    root: Path
    table: LabelTable
    splits: dict[str, Rows]
    """As in the label file; all are ``train`` where it names none."""
    description: Description
    """Where there is no ``dataset.json``: the folder's name, and images in the folder itself."""
    notes: tuple[str, ...] = ()
    """What was decided on reading the label file."""

    @property
    def folders(self) -> Folders | None:
        """Where images lie; None where inputs are features."""
        return None if (self.root / FEATURES).is_file() else self.description.folders(self.root)

    def remarks(self, dataset: Dataset) -> tuple[str, ...]:
        """What was found when the folder was written and when ``dataset`` was read from it."""
        remarks = (*self.description.notes, *dataset.notes)
        now = dataset.fingerprint
        if self.description.fingerprints.get("data", now) != now:
            remarks += (
                "Labels or splits are not those that were written with dataset.json: they have "
                "been changed since.",
            )
        return remarks

    def labels_only(self) -> Dataset:
        """A data set whose inputs are not looked at, with splits as in the label file."""
        source = LabelsOnly(self.table.num_images)
        return Dataset(self.description.name, source, self.table, self.splits, self.notes)


def read_records(
    root: Path, *, classes: Sequence[str] | None = None, unlisted: str | None = None
) -> Records:
    """Reads ``labels.csv`` or ``labels.parquet``, and ``dataset.json`` if there is one.

    Of the classes of ``dataset.json``, or of the label file, only ``classes`` are kept, if given,
    in this order. ``unlisted`` is as in :func:`largeloss.labels.read_labels`.

    Raises:
        DataError: a file is missing or wrong, or the two do not fit each other.
        LabelError: the label file is wrong.
    """
    root = Path(root)
    if not root.is_dir():
        kind = "is a file, not a folder" if root.exists() else "does not exist"
        raise DataError(
            f"{root} {kind}. Needed: a folder with labels.csv (or labels.parquet) and the images "
            f"that it names, or {FEATURES} in their place."
        )
    described = read_description(root)
    file = read_labels(find_label_file(root), unlisted=unlisted)
    description = described or Description(
        name=root.resolve().name, images=".", classes=file.table.classes
    )
    table = _in_order(root, file.table, description.classes)
    if classes is not None:
        table = table.select_classes(tuple(classes))
    return Records(
        root, table, rows_by_split(file.splits, table.num_images), description, file.notes
    )


def _in_order(root: Path, table: LabelTable, classes: tuple[str, ...]) -> LabelTable:
    """``table`` with its classes as ``dataset.json`` orders them."""
    if table.classes == classes:
        return table
    ours, theirs = set(table.classes), set(classes)
    if ours != theirs or len(classes) != len(theirs):
        shown = ", ".join(map(repr, sorted(ours ^ theirs)[:3])) or "one that is listed twice"
        raise DataError(
            f"{root}: {DESCRIPTION} lists {len(classes)} classes and the label file has "
            f"{len(ours)}, and they are not the same: {shown}. Correct 'classes' in "
            f"{DESCRIPTION}, or remove that file."
        )
    return table.select_classes(classes)


def find_label_file(root: Path) -> Path:
    """``labels.csv`` or ``labels.parquet`` in ``root``; DataError unless it has exactly one."""
    found = [path for path in (root / "labels.csv", root / "labels.parquet") if path.exists()]
    if len(found) != 1:
        state = "both labels.csv and labels.parquet" if found else "no labels.csv or labels.parquet"
        raise DataError(
            f"{root} has {state}; needed is exactly one of them. A wide labels.csv begins "
            "'image,cat,dog', and each line names an image and 1, 0 or blank for every class."
        )
    return found[0]


def rows_by_split(names: Sequence[str] | None, num_images: int) -> dict[str, Rows]:
    """Split → sorted rows, from the split of each image; all are ``train`` where there is none."""
    if names is None:
        return {"train": np.arange(num_images, dtype=np.int64)}
    column = np.asarray(names)
    return {name: np.flatnonzero(column == name) for name in SPLITS if name in names}
