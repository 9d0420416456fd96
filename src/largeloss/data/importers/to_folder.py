"""From a collection that was read to a data folder: images checked, splits drawn, all written."""

import hashlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from largeloss.data.dataset import Dataset, published_split
from largeloss.data.examine.unusable_images import find_unusable
from largeloss.data.folder.write import Extras, write_folder
from largeloss.data.importers.imported import Imported
from largeloss.data.inputs.source import LabelsOnly
from largeloss.errors import DataError
from largeloss.labels import PRESENT, single_positive


def with_usable_images(
    imported: Imported, *, skip: bool, decode: bool, follow_symlinks: bool, workers: int
) -> Imported:
    """``imported`` after a look at every image.

    Raises:
        DataError: images are missing or cannot be read, unless ``skip`` says to leave them out.
    """
    if imported.image_root is None:
        return imported
    rows, words = find_unusable(
        imported.table.images, imported.image_root, decode, follow_symlinks, workers
    )
    if not rows:
        return imported
    if not skip:
        raise DataError(
            f"{words}\nRepair them, leave them out with --bad-images skip, or take the labels "
            "alone with --no-images. Nothing was written."
        )
    return imported.without(rows, f"{words}\nThey are left out.")


def write_imported(imported: Imported, out: Path) -> tuple[Dataset, dict[str, str]]:
    """Writes the data folder ``out``; the data set in it, and hashes for the record.

    Raises:
        ConfigError: ``out`` is not free or cannot be written.
        DataError: there are no training images.
        LabelError: names that a label file cannot hold.
    """
    inputs = LabelsOnly(imported.table.num_images)
    dataset = Dataset(
        imported.name, inputs, imported.table, imported.splits, imported.notes
    ).with_splits()
    record = published_draws(imported)
    features = None if imported.features is None else torch.from_numpy(imported.features)
    extras = Extras(imported.image_root, features, imported.boxes, imported.published, record)
    write_folder(out, dataset, extras)
    return dataset, record


def published_draws(imported: Imported) -> dict[str, str]:
    """What the published protocol draws from train, as short hashes to compare with others'.

    ``val_rows``: the rows that are taken out for val. ``single_positives``: the class that each
    image keeps; not where labels are incomplete or an image has no positive. Neither where there
    is no test split, or one for val.

    Source: the code of Cole et al., CVPR 2021.
    """
    if not imported.splits.keys() >= {"train", "test"} or "val" in imported.splits:
        return {}
    train = imported.table.select(imported.splits["train"])
    draws = {"val_rows": hash_numbers(published_split(train.num_images)[1])}
    rows, _, states = train.entries()
    if train.is_complete and np.unique(rows[states == PRESENT]).size == train.num_images:
        draws["single_positives"] = hash_numbers(single_positive(train).columns)
    return draws


def hash_numbers(numbers: NDArray[np.integer]) -> str:
    """The first 16 hex digits of the SHA-256 of ``numbers`` as little-endian int64."""
    return hashlib.sha256(numbers.astype("<i8").tobytes()).hexdigest()[:16]
