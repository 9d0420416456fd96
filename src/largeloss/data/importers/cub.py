"""Caltech-UCSD Birds-200-2011: 312 attributes of bird images.

Source: the README of CUB_200_2011.tgz, https://www.vision.caltech.edu/datasets/cub_200_2011/
"""

import math
from collections import Counter
from collections.abc import Collection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from largeloss.data.dataset import Rows
from largeloss.data.folder.boxes import Boxes
from largeloss.data.importers.imported import Imported
from largeloss.data.importers.official_release import (
    Archive,
    check_inside,
    find_folder,
    how_to_fetch,
    positions_of_ids,
    read_lines,
    read_numbers,
)
from largeloss.errors import DataError
from largeloss.labels import LabelTable

PUBLISHED = {"train": 5_994, "test": 5_794, "classes": 312}
ARCHIVE = Archive("https://data.caltech.edu/records/65de6-vp158/files/CUB_200_2011.tgz", "1.2 GB")
IMAGES = "images.txt"
SPLIT = "train_test_split.txt"
BOXES = "bounding_boxes.txt"
LABELS = "attributes/image_attribute_labels.txt"
ATTRIBUTES = "attributes.txt"
_AGAIN = "Unpack CUB_200_2011.tgz again."


def read(root: Path) -> Imported:
    """Images, attributes and boxes; ``is_present`` is taken as it is, whatever the certainty.

    ``root`` is the folder ``CUB_200_2011``, or the one that it is in. ``attributes.txt`` may lie in
    it, in ``attributes``, or beside it as in the official release.

    Returns:
        Images are named by their path in ``images``: first the training images, then the test
        images, both in the order of ``images.txt``. Labels are complete. Each image has one
        box, of column -1.

    Raises:
        DataError: files are missing or cannot be understood, or do not fit together.
    """
    folder = _find_folder(root)
    names = _read_list(folder / IMAGES)
    for number, name in names.items():
        check_inside(name, f"{folder / IMAGES}, image {number}")
    attributes = _read_list(_find_attributes(folder))
    is_train = _read_split(folder / SPLIT, names)
    order = np.argsort(~is_train, kind="stable")
    paths = list(names.values())
    labels = _read_labels(folder / LABELS, names, attributes)[order]
    table = LabelTable.from_dense(
        labels, [paths[row] for row in order.tolist()], attributes.values()
    )
    num_train, num_images = int(is_train.sum()), len(names)
    return Imported(
        name="cub",
        table=table,
        splits={"train": np.arange(num_train), "test": np.arange(num_train, num_images)},
        image_root=folder / "images",
        boxes=Boxes(
            np.arange(num_images),
            np.full(num_images, -1, dtype=np.int32),
            _read_boxes(folder / BOXES, names)[order],
            np.zeros(num_images, dtype=np.bool_),
        ),
        published=PUBLISHED,
        notes=("Attributes count as annotated, also where the annotator was not certain.",),
    )


def _find_folder(root: Path) -> Path:
    """``root`` or a folder ``CUB_200_2011`` in it."""
    inner = root / "CUB_200_2011"
    folder, missing = find_folder(
        (root, inner, inner / "CUB_200_2011"), (IMAGES, SPLIT, BOXES, LABELS)
    )
    if missing:
        raise DataError(
            f"{folder} lacks {', '.join(missing)}. Give the folder CUB_200_2011. "
            + how_to_fetch([ARCHIVE], root)
        )
    return folder


def _find_attributes(folder: Path) -> Path:
    """``attributes.txt``, which the official release has beside the folder."""
    places = (folder, folder / "attributes", folder.parent)
    place, missing = find_folder(places, [ATTRIBUTES])
    if missing:
        raise DataError(
            f"There is no attributes.txt: it is not in {', '.join(map(str, places))}. It is at the "
            "top of CUB_200_2011.tgz, beside CUB_200_2011."
        )
    return place / ATTRIBUTES


def _read_list(path: Path, *, distinct: bool = True) -> dict[int, str]:
    """Number → the text that follows it, in the order of the file."""
    found: dict[int, str] = {}
    for number, line in enumerate(read_lines(path), 1):
        words = line.split(None, 1)
        if not words:
            continue
        where = f"{path}, line {number}"
        if len(words) < 2 or not (words[0].isascii() and words[0].isdigit()) or len(words[0]) > 9:
            raise DataError(f"{where}: {line[:60]!r} is not a number and a name.")
        if int(words[0]) in found:
            raise DataError(f"{where}: the number {words[0]} occurs twice.")
        found[int(words[0])] = words[1].strip()
    if distinct and len(set(found.values())) < len(found):
        twice, _ = Counter(found.values()).most_common(1)[0]
        raise DataError(f"{path}: {twice!r} occurs twice. {_AGAIN}")
    return found


def _read_boxes(path: Path, images: Collection[int]) -> NDArray[np.float32]:
    """(N, 4) corners of each image's box, in the order of ``images``."""
    found = _read_list(path, distinct=False)
    different = found.keys() ^ set(images)
    if different:
        raise DataError(
            f"{path}: {len(different)} images are only there or only in {IMAGES}, for example "
            f"{min(different)}. {_AGAIN}"
        )
    corners = []
    for number in images:
        try:
            left, top, width, height = (float(word) for word in found[number].split())
        except ValueError:
            left = top = width = height = math.nan
        box = (left, top, left + width, top + height)
        if not (all(map(math.isfinite, box)) and width > 0 and height > 0):
            raise DataError(
                f"{path}: the box of image {number} is {found[number]!r}. Needed: x, y, width and "
                "height in pixels, width and height above 0."
            )
        corners.append(box)
    return np.array(corners, dtype=np.float32)


def _read_split(path: Path, names: dict[int, str]) -> NDArray[np.bool_]:
    """(N,) whether an image is a training image: lines of its number and 1 (train) or 0 (test)."""
    numbers, marks = read_numbers(path, (0, 1)).T
    _check_flags(path, marks, "is neither 1 (train) nor 0 (test)")
    rows = _rows(path, numbers, names, 1)
    is_train = np.empty(len(names), dtype=np.bool_)
    is_train[rows] = marks == 1
    if is_train.all() or not is_train.any():
        raise DataError(f"{path}: there is no image of {'test' if is_train.all() else 'train'}.")
    return is_train


def _read_labels(path: Path, names: dict[int, str], attributes: dict[int, str]) -> NDArray[np.int8]:
    """(N, C) complete labels, in the order of ``names`` and ``attributes``.

    The file has 3.7 million lines, some with more columns than the README says: only the numbers
    of image and attribute and ``is_present`` are read.
    """
    images, columns, present = read_numbers(path, (0, 1, 2)).T
    _check_flags(path, present, "is no is_present, which is 1 or 0")
    width = len(attributes)
    rows = _rows(path, images, names, width)
    columns = _positions(path, columns, attributes, "attribute")
    keys = rows * width + columns
    twice = np.bincount(keys, minlength=len(names) * width) > 1
    if twice.any():
        row, column = divmod(int(np.argmax(twice)), width)
        raise DataError(
            f"{path}: image {list(names.values())[row]!r} has the attribute "
            f"{list(attributes.values())[column]!r} twice, and so lacks another. {_AGAIN}"
        )
    labels = np.empty(len(names) * width, dtype=np.int8)
    labels[keys] = present
    return labels.reshape(-1, width)


def _check_flags(path: Path, flags: Rows, problem: str) -> None:
    wrong = np.flatnonzero((flags != 0) & (flags != 1))
    if wrong.size:
        raise DataError(f"{path}, entry {wrong[0] + 1}: {flags[wrong[0]]} {problem}. {_AGAIN}")


def _rows(path: Path, numbers: Rows, names: dict[int, str], needed: int) -> Rows:
    """The row of each image number; every image must be there ``needed`` times."""
    rows = _positions(path, numbers, names, "image")
    counts = np.bincount(rows, minlength=len(names))
    wrong = np.flatnonzero(counts != needed)
    if wrong.size:
        row = int(wrong[0])
        raise DataError(
            f"{path}: image {list(names.values())[row]!r} has {counts[row]} lines, needed are "
            f"{needed}; {wrong.size} images are not as they should be. {_AGAIN}"
        )
    return rows


def _positions(path: Path, wanted: Rows, known: dict[int, str], kind: str) -> Rows:
    """Where each number stands among the known ones."""
    found = positions_of_ids(wanted, np.array(list(known), dtype=np.int64))
    unknown = np.flatnonzero(found < 0)
    if unknown.size:
        first = int(unknown[0])
        raise DataError(
            f"{path}, entry {first + 1}: there is no {kind} {wanted[first]}; {len(known)} are "
            f"listed. {_AGAIN}"
        )
    return found
