"""The two tables of CUB-200-2011 that hold numbers only: the split and the attributes."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from largeloss.data.importers.cub_lists import ARCHIVE, read_bytes
from largeloss.data.importers.numbers import Numbers, leading_numbers
from largeloss.errors import DataError


def read_split(path: Path, names: dict[int, str]) -> NDArray[np.bool_]:
    """(N,) whether an image is a training image, in the order of ``names``.

    Args:
        path: Lines of an image's number and 1 (train) or 0 (test).
        names: Image number → path.

    Raises:
        DataError: another line, an image that is unknown, missing or there twice, or a split
            without images.
    """
    numbers = leading_numbers(read_bytes(path), 2, str(path))
    rows = _positions(path, numbers.values[:, 0], names, "image", numbers)
    marks = numbers.values[:, 1]
    if (marks > 1).any():
        first = int(np.argmax(marks > 1))
        raise DataError(
            f"{path}, line {numbers.lines[first]}: {marks[first]} is neither 1 (train) nor 0 "
            "(test)."
        )
    _check_counts(path, np.bincount(rows, minlength=len(names)), 1, names)
    is_train = np.empty(len(names), dtype=np.bool_)
    is_train[rows] = marks == 1
    if is_train.all() or not is_train.any():
        raise DataError(f"{path}: there is no image of {'test' if is_train.all() else 'train'}.")
    return is_train


def read_labels(path: Path, names: dict[int, str], attributes: dict[int, str]) -> NDArray[np.int8]:
    """(N, C) complete labels, in the order of ``names`` and ``attributes``.

    The file has 3.7 million lines, some with more columns than the README says: only the numbers
    of image and attribute and ``is_present`` are read.

    Args:
        path: ``image_attribute_labels.txt``.
        names: Image number → path.
        attributes: Attribute number → name.

    Raises:
        DataError: another line, an image or attribute that is unknown, or an image that does not
            have each attribute exactly once.
    """
    numbers = leading_numbers(read_bytes(path), 3, str(path))
    images, columns, present = numbers.values.T
    if (present > 1).any():
        first = int(np.argmax(present > 1))
        raise DataError(
            f"{path}, line {numbers.lines[first]}: is_present is {present[first]}. Needed: 1 or 0."
        )
    rows = _positions(path, images, names, "image", numbers)
    columns = _positions(path, columns, attributes, "attribute", numbers)
    width = len(attributes)
    _check_counts(path, np.bincount(rows, minlength=len(names)), width, names)
    keys = rows * width + columns
    twice = np.bincount(keys, minlength=len(names) * width) > 1
    if twice.any():
        row, column = divmod(int(np.argmax(twice)), width)
        raise DataError(
            f"{path}: image {list(names.values())[row]!r} has the attribute "
            f"{list(attributes.values())[column]!r} twice, and so lacks another. Unpack {ARCHIVE} "
            "anew."
        )
    labels = np.empty(len(names) * width, dtype=np.int8)
    labels[keys] = present
    return labels.reshape(-1, width)


def _check_counts(
    path: Path, counts: NDArray[np.int64], needed: int, names: dict[int, str]
) -> None:
    wrong = np.flatnonzero(counts != needed)
    if wrong.size:
        row = int(wrong[0])
        raise DataError(
            f"{path}: image {list(names.values())[row]!r} has {counts[row]} lines, needed are "
            f"{needed}; {wrong.size} images are not as they should be. Unpack {ARCHIVE} anew."
        )


def _positions(
    path: Path, wanted: NDArray[np.int64], known: dict[int, str], kind: str, numbers: Numbers
) -> NDArray[np.int64]:
    """Where each number stands among the known ones."""
    keys = np.array(list(known), dtype=np.int64)
    order = np.argsort(keys)
    nearest = order[np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)]
    unknown = keys[nearest] != wanted
    if unknown.any():
        first = int(np.argmax(unknown))
        raise DataError(
            f"{path}, line {numbers.lines[first]}: there is no {kind} {wanted[first]}; "
            f"{len(keys)} are listed."
        )
    return nearest
