"""From a collection that was read to a data folder: images checked, splits drawn, all written."""

from pathlib import Path

import torch

from largeloss.data.dataset import Dataset
from largeloss.data.examine.unusable_images import find_unusable
from largeloss.data.folder.write import Extras, write_folder
from largeloss.data.importers.imported import Imported
from largeloss.data.inputs.source import LabelsOnly
from largeloss.data.protocol import single_positive_hash, val_hash
from largeloss.errors import DataError


def with_usable_images(
    imported: Imported, *, skip: bool, decode: bool, follow_symlinks: bool, workers: int
) -> Imported:
    """``imported`` after a look at every image.

    Raises:
        DataError: images are missing or cannot be read, unless ``skip`` says to leave them out.
    """
    if imported.image_root is None:
        return imported
    images = imported.table.images
    unusable = find_unusable(
        images,
        imported.image_root,
        decode=decode,
        follow_symlinks=follow_symlinks,
        workers=workers,
    )
    if not unusable.rows:
        return imported
    words = unusable.in_words(images)
    if not skip:
        raise DataError(
            f"{words}\nRepair them, leave them out with --bad-images skip, or take the labels "
            "alone with --no-images. Nothing was written."
        )
    return imported.without(unusable.rows, f"{words}\nThey are left out.")


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
    record = _record(imported)
    features = None if imported.features is None else torch.from_numpy(imported.features)
    extras = Extras(imported.image_root, features, imported.boxes, imported.published, record)
    write_folder(out, dataset, extras)
    return dataset, record


def _record(imported: Imported) -> dict[str, str]:
    """Hashes of what the published protocol draws, where it applies."""
    if "test" not in imported.splits or "train" not in imported.splits or "val" in imported.splits:
        return {}
    train = imported.splits["train"]
    kept = single_positive_hash(imported.table.select(train))
    return {"val_rows": val_hash(len(train))} | ({"single_positives": kept} if kept else {})
