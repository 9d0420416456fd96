"""A data folder with new splits, in which every class has its share."""

from collections.abc import Mapping
from pathlib import Path

from largeloss.data.dataset import Dataset
from largeloss.data.folder.labels_and_splits import read_records
from largeloss.data.folder.write import Extras, read_extras
from largeloss.data.inputs.source import LabelsOnly
from largeloss.data.stratify import imbalance, stratified_split


def split_folder(
    data: Path, shares: Mapping[str, float], seed: int, unlisted: str | None
) -> tuple[Dataset, Extras, tuple[str, ...], float]:
    """The data folder ``data`` with splits as :func:`stratified_split` draws them, to be written.

    ``unlisted`` is as in :func:`largeloss.labels.read_labels`. The strings say what was decided
    beyond the shares that were asked for; the number is the :func:`imbalance`.

    Raises: as the two; DataError or LabelError where the folder cannot be read.
    """
    records = read_records(data, unlisted=unlisted)
    extras = read_extras(records)
    splits = stratified_split(records.table, shares, seed)
    wanted = ",".join(f"{name}={share:g}" for name, share in shares.items())
    remark = f"Split again from {data}: {wanted}, stratified by class, seed {seed}."
    notes = (*records.description.notes, remark)
    source = LabelsOnly(records.table.num_images)
    dataset = Dataset(records.description.name, source, records.table, splits, notes).with_splits()
    remarks = dataset.notes[len(notes) :]
    return dataset, extras, remarks, imbalance(records.table, splits)
