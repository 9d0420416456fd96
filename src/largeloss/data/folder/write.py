"""Data folders written: what :func:`largeloss.data.read_folder` reads, all of it or nothing."""

import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
from torch import Tensor

from largeloss.data.dataset import Dataset
from largeloss.data.folder.boxes import BOXES, Boxes, read_boxes, write_boxes
from largeloss.data.folder.dataset_json import DESCRIPTION, Description, Folders
from largeloss.data.folder.image_paths import locate_images
from largeloss.data.folder.labels_and_splits import Records
from largeloss.data.folder.place import FEATURES, check_free
from largeloss.data.folder.read import read_features, write_features
from largeloss.errors import ConfigError
from largeloss.files import write_text
from largeloss.labels import LabelTable, write_labels
from largeloss.labels.files.header import header_of

LARGE = 10_000_000
"""A table with more entries is written in the long layout where few of them are observed."""


@dataclass(frozen=True)
class Extras:
    """What a data folder has besides labels and splits."""

    folders: Folders | None = None
    """Where images lie; they are not copied."""
    features: Tensor | None = None
    """(N, D), in place of images."""
    boxes: Boxes | None = None
    published: Mapping[str, int] = field(default_factory=dict)
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    """For the record, beside the one of labels and splits."""


def read_extras(records: Records) -> Extras:
    """The extras of a data folder, to be written again.

    Raises:
        DataError: they cannot be read, or do not fit the labels.
    """
    root, folders = records.root, records.folders
    if folders is not None:
        locate_images(records.table.images, folders, follow_symlinks=True)
    features, boxes = root / FEATURES, root / BOXES
    return Extras(
        folders,
        read_features(features, records.table) if features.is_file() else None,
        read_boxes(boxes, records.table) if boxes.is_file() else None,
        published=records.description.published,
    )


def write_folder(out: Path, dataset: Dataset, extras: Extras) -> None:
    """Writes labels, splits and ``extras`` to the new folder ``out``; it appears when complete.

    Every image must be in one split. The inputs of ``dataset`` are not looked at.

    Raises:
        ConfigError: ``out`` is not free or cannot be written.
        LabelError: names that a label file cannot hold.
    """
    table = dataset.labels
    with new_folder(out) as partial:
        names = np.full(table.num_images, "", dtype=object)
        for split, rows in dataset.splits.items():
            names[rows] = split
        layout = "wide" if _fits_wide(table) else "long"
        write_labels(partial / "labels.parquet", table, splits=names.tolist(), layout=layout)
        if extras.features is not None:
            write_features(partial / FEATURES, extras.features, table.images)
        if extras.boxes is not None:
            write_boxes(partial / BOXES, extras.boxes, table)
        description = Description(
            name=dataset.name,
            images=_as_text(extras.folders),
            classes=table.classes,
            published=dict(extras.published),
            notes=dataset.notes,
            fingerprints={"data": dataset.fingerprint, **extras.fingerprints},
        )
        encoded = msgspec.json.format(msgspec.json.encode(description), indent=2)
        write_text(partial / DESCRIPTION, encoded.decode() + "\n")


def _as_text(folders: Folders | None) -> str | dict[str, str] | None:
    """Absolute, so that they hold from any data folder."""
    if isinstance(folders, Mapping):
        return {name: str(path.resolve()) for name, path in folders.items()}
    return None if folders is None else str(folders.resolve())


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A folder to write to, which becomes ``out`` at the end, or is removed on an error.

    Raises:
        ConfigError: ``out`` is not free or cannot be written.
    """
    check_free(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        partial = out.absolute().with_name(f".{out.name}.{secrets.token_hex(4)}")
        partial.mkdir()
    except OSError as error:
        raise _unwritable(out, error) from None
    try:
        yield partial
        check_free(out)
        if out.is_dir():
            out.rmdir()
        partial.rename(out)
    except OSError as error:
        raise _unwritable(out, error) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _unwritable(out: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"{out} cannot be written ({error.strerror or error}). Choose another --out; nothing was "
        "changed."
    )


def _fits_wide(table: LabelTable) -> bool:
    entries = table.num_images * table.num_classes
    if entries > LARGE and 2 * table.num_observed < entries:
        return False
    found = header_of(["image", "split", *table.classes])
    return found.layout == "wide" and not {"image", "split"} & set(table.classes)
