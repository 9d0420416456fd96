"""Labels and splits of a data folder, without its images."""

from dataclasses import dataclass
from pathlib import Path

from largeloss.data.dataset import Dataset, Rows
from largeloss.data.folder.dataset_json import Description, Folders, in_order, read_description
from largeloss.data.folder.drawn_splits import drawn_splits, rows_by_split
from largeloss.data.folder.place import FEATURES, find_label_file, label_file_of
from largeloss.data.inputs.source import LabelsOnly, Source
from largeloss.labels import LabelTable, read_labels
from largeloss.labels.files.layouts import parse_images
from largeloss.labels.files.raw import read_raw


@dataclass(frozen=True)
class Records:
    """What a data folder says of its images."""

    root: Path
    table: LabelTable
    splits: dict[str, Rows] | None
    """As in the label file; None where it names none."""
    description: Description
    """Where there is no ``dataset.json``: the folder's name, and images in the folder itself."""
    notes: tuple[str, ...] = ()
    """What was decided on reading the label file."""
    unnamed: tuple[str, ...] | None = None
    """The images of features that have no names; None for those of ``table``."""
    in_place: Path | None = None
    """The label file that was read in place of the folder's own."""
    unlisted: str | None = None
    """As it was read with."""

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

    def dataset(self, source: Source) -> Dataset:
        """With inputs; splits as in the label file, :func:`.drawn_splits` without any.

        Raises:
            DataError: none can be drawn, or the inputs are more or fewer than the labels.
        """
        splits, notes = self.splits, self.notes
        if splits is None:
            splits, said = drawn_splits(self.root, self.table, self.in_place, self.unlisted)
            notes += said
        return Dataset(self.description.name, source, self.table, splits, notes)

    def labels_only(self) -> Dataset:
        """As :meth:`dataset`, with inputs that are not looked at."""
        return self.dataset(LabelsOnly(self.table.num_images))


def read_records(root: Path, *, unlisted: str | None = None, labels: Path | None = None) -> Records:
    """Reads ``labels.csv`` or ``labels.parquet``, and ``dataset.json`` if there is one.

    ``unlisted`` is as in :func:`largeloss.labels.read_labels`; ``labels`` is read in place of the
    folder's own label file.

    Raises:
        DataError: a file is missing or wrong, or the two do not fit each other.
        LabelError: the label file is wrong.
    """
    root = Path(root)
    path = label_file_of(root, labels)
    described = read_description(root)
    file = read_labels(path, unlisted=unlisted)
    unnamed = None
    if labels is not None and (root / FEATURES).is_file():
        unnamed = parse_images(read_raw(find_label_file(root)), None).names
    description = described or Description(
        name=root.resolve().name, images=".", classes=file.table.classes
    )
    table = in_order(root, file.table, description.classes)
    splits = rows_by_split(file.splits)
    return Records(root, table, splits, description, file.notes, unnamed, labels, unlisted)
