"""A folder of the user's own: ``labels.csv`` or ``labels.parquet``, and images or features."""

import json
import os
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from largeloss.data.dataset import Dataset, Rows
from largeloss.data.folder.image_paths import likely_names, locate_images
from largeloss.data.folder.labels_and_splits import Records, read_records
from largeloss.data.folder.place import FEATURES
from largeloss.data.inputs.decode_record import DecodeRecord
from largeloss.data.inputs.image_files import ImageFiles, decode_all
from largeloss.data.inputs.source import FeatureArray, Source
from largeloss.data.inputs.value_range import dark_set
from largeloss.errors import DataError
from largeloss.files import check_regular, loaded_json, written_atomically
from largeloss.labels import LabelTable
from largeloss.labels.names import first_lines, positions_of

DTYPES = (
    torch.float16, torch.bfloat16, torch.float32, torch.float64,
    torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64,
)  # fmt: skip
"""Types of numbers that features may be stored in."""
_ROWS = 4096  # of features, looked at in one go


def read_folder(
    root: Path,
    *,
    image_size: int = 448,
    max_value: int | None = None,
    classes: Sequence[str] | None = None,
    unlisted: str | None = None,
    follow_symlinks: bool = False,
    labels: Path | None = None,
    needs_train: bool = True,
) -> Dataset:
    """Reads a data folder; no image is decoded yet.

    Args:
        root: Holds ``labels.csv`` or ``labels.parquet`` (see :func:`largeloss.labels.read_labels`),
            and the images that it names, or ``features.safetensors`` in their place. With
            ``dataset.json`` (see :mod:`.dataset_json`) images lie where that says,
            and classes are in its order.
        image_size: Height and width, in pixels, that images are resized to.
        max_value: The largest whole number that a pixel can have; None for that of its type.
        classes: Only these, in this order.
        unlisted: For files that list tags: whether a tag that is not listed is ``"unknown"`` or
            ``"absent"``.
        follow_symlinks: Whether images may be links that lead out of their folder.
        labels: A label file that is read in place of the folder's own.
        needs_train: False where nothing is learnt: the folder may name other splits alone.

    Raises:
        DataError: a file is missing or wrong, a name leads out of the folder of images, two names
            lead to one file, or there is no image in train.
        LabelError: the label file is wrong.
    """
    records = read_records(root, unlisted=unlisted, labels=labels)
    dataset = with_inputs(records, image_size, follow_symlinks, max_value)
    return dataset.with_splits(needs_train=needs_train).with_classes(classes)


def with_inputs(
    records: Records,
    image_size: int = 448,
    follow_symlinks: bool = False,
    max_value: int | None = None,
) -> Dataset:
    """The data set of ``records``, with its images or features; splits as :meth:`.dataset` says.

    Raises:
        DataError: it has neither, or they cannot be used; as :func:`.locate_images`.
    """
    table, root = records.table, records.root
    source: Source
    if (root / FEATURES).is_file():
        source = FeatureArray(read_features(root / FEATURES, table, records.unnamed))
    elif (folders := records.folders) is not None:
        paths = locate_images(table.images, folders, follow_symlinks)
        source = ImageFiles(paths, image_size, max_value)
    else:
        raise DataError(
            f"{root} has neither images nor {FEATURES}: dataset.json names no folder of "
            "images. Write it there, under 'images'."
        )
    return records.dataset(source)


def without_broken_images(
    dataset: Dataset,
    policy: str,
    workers: int | None = None,
    split: str = "all",
    record: DecodeRecord | None = None,
) -> Dataset:
    """``dataset`` after a full decode of every image of ``split``, where inputs are files.

    What is not there is refused before the first is decoded, which may take hours.

    ``policy`` says what is done with images that cannot be read: ``"error"`` refuses the data set,
    ``"skip"`` leaves them out and adds a note. ``workers`` are threads, by default one per core.
    What ``record`` knows is not decoded again.

    Raises:
        DataError: images cannot be read and ``policy`` is ``"error"``; or values of all are so
            small that they must be of another range.
    """
    if not isinstance(dataset.source, ImageFiles):
        return dataset
    looked_at = dataset.splits.values() if split == "all" else [dataset.rows(split)]
    used = np.sort(np.concatenate(list(looked_at)))
    source = dataset.source
    if policy == "error":
        _refuse_missing(dataset, used)
    found, peak, _ = decode_all(source.paths, workers, used.tolist(), source.max_value, record)
    if dark := dark_set(peak, len(used) - len(found)):
        raise DataError(dark)
    if not found:
        return dataset
    listed = first_lines(list(found.values()))
    what = f"{len(found)} of {len(used)} images cannot be read"
    if policy == "error":
        raise DataError(
            f"{what}:\n{listed}\nRepair or remove them, or leave them out with --bad-images skip."
        )
    kept = np.ones(len(dataset.source), dtype=bool)
    kept[list(found)] = False
    return dataset.only(kept, f"{what} and are left out:\n{listed}")


def _refuse_missing(dataset: Dataset, used: Rows) -> None:
    source = dataset.source
    assert isinstance(source, ImageFiles)
    missing = [row for row in used.tolist() if not os.path.isfile(source.paths[row])]
    if missing:
        listed = first_lines([f"{source.paths[row]}: there is no such file." for row in missing])
        raise DataError(
            f"{len(missing):,} of {len(used):,} images are missing:\n{listed}"
            f"{likely_names(source.paths, missing)}\nCorrect their names, put them there, or leave "
            "them out with --bad-images skip."
        )


def read_features(path: Path, table: LabelTable, unnamed: Sequence[str] | None = None) -> Tensor:
    """(N, D) float32 features in the order of the table's images.

    The file is mapped into memory. It holds a tensor ``features``; its metadata may name the images
    (a JSON list under ``images``), otherwise rows are those of ``unnamed``, by default of the
    table's images.

    Raises:
        DataError: the file cannot be read, or does not fit the labels.
    """
    try:
        check_regular(path)
        with safe_open(path, framework="pt") as file:
            noted = file.metadata() or {}
            stored: Tensor = file.get_tensor("features")
            names = loaded_json(noted.get("images", "null"))
    except (SafetensorError, OSError, ValueError) as error:
        raise DataError(
            f"{path}: no features can be read ({error}). Needed: a safetensors file with one "
            "tensor 'features' of shape (images, dimensions)."
        ) from None
    if stored.dtype not in DTYPES or not stored.numel():
        raise DataError(
            f"{path}: features must be of a type among {', '.join(map(_name, DTYPES))}, and at "
            f"least one per image; got {_name(stored.dtype)} of shape {tuple(stored.shape)}."
        )
    if stored.ndim != 2 or not all(
        bool(stored[start : start + _ROWS].isfinite().all())
        for start in range(0, len(stored), _ROWS)
    ):
        raise DataError(
            f"{path}: features must be finite and of shape (images, dimensions), got shape "
            f"{tuple(stored.shape)}{'' if stored.ndim != 2 else ' with NaN or infinite values'}."
        )
    if noted.get("crc32", _checksum(stored)) != _checksum(stored):
        raise DataError(
            f"{path} is damaged: it has changed since it was written (its checksum does not "
            "match). Remove it and have it written again."
        )
    values = stored.float()
    if names is None and unnamed is not None:
        names = list(unnamed)
    if names is None:
        if len(values) != table.num_images:
            raise DataError(
                f"{path} has {len(values)} rows, the label file {table.num_images} images. Name "
                "the images in the file's metadata, or write one row per image in the same order."
            )
        return values
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError(f"{path}: 'images' in its metadata must be a JSON list of names.")
    if len(set(names)) < len(names):
        twice = next(name for name, times in Counter(names).items() if times > 1)
        raise DataError(f"{path} names the image {twice!r} twice. Write one row per image.")
    if tuple(names) == table.images and len(names) == len(values):
        return values  # as they are, in place of a second copy
    rows = positions_of(table.images, names)
    missing = np.flatnonzero(rows < 0)
    if missing.size or len(names) != len(values):
        raise DataError(
            f"{path} lacks features of {missing.size} labelled images, for example "
            f"{[table.images[row] for row in missing[:3]]}; it has {len(values)} rows and names "
            f"{len(names)} images."
        )
    return values[torch.from_numpy(rows)]


def _checksum(values: Tensor) -> str:
    plain = memoryview(cast(Any, values.contiguous().view(torch.uint8).numpy()))
    return f"{zlib.crc32(plain):08x}"


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


class Extraction(NamedTuple):
    """How the features of a file were extracted."""

    seconds: float = 0.0
    backend: str = "torch"
    difference: float = 0.0
    """The greatest of a feature or a score from torch's in fp32, on the first images."""


def extraction(path: Path) -> Extraction:
    """How the features of a file of :func:`write_features` were extracted."""
    with safe_open(path, framework="pt") as file:
        noted = file.metadata() or {}
    return Extraction(
        float(noted.get("seconds", "0")),
        noted.get("backend", "torch"),
        float(noted.get("difference", "0")),
    )


def write_features(
    path: Path, values: Tensor, images: Sequence[str], made: Extraction | None = None
) -> None:
    """Writes what :func:`read_features` reads; ``made`` says how they were extracted."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = values.float().contiguous()
    noted = {
        "images": json.dumps(list(images)),
        "crc32": _checksum(values),
    }
    if made is not None:
        noted |= {
            "seconds": f"{made.seconds:.3f}",
            "backend": made.backend,
            "difference": f"{made.difference:.2g}",
        }
    with written_atomically(path) as partial:
        try:
            save_file({"features": values}, partial, metadata=noted)
        except SafetensorError as error:
            raise OSError(str(error)) from None
