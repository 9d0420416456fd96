"""Where the files of CUB-200-2011 lie, and those that have one line an image."""

import math
import os
from collections import Counter
from collections.abc import Collection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from largeloss.errors import DataError

ARCHIVE = "CUB_200_2011.tgz"
IMAGES = "images.txt"
SPLIT = "train_test_split.txt"
BOXES = "bounding_boxes.txt"
LABELS = "attributes/image_attribute_labels.txt"
ATTRIBUTES = "attributes.txt"


def find_folder(root: Path) -> Path:
    """``root`` or a folder ``CUB_200_2011`` in it.

    Raises:
        DataError: files are missing there; the message says which.
    """
    needed = (IMAGES, SPLIT, BOXES, LABELS)
    inner = root / "CUB_200_2011"
    candidates = (root, inner, inner / "CUB_200_2011")
    missing = {
        folder: [name for name in needed if not os.path.isfile(folder / name)]
        for folder in candidates
    }
    folder = min(candidates, key=lambda folder: len(missing[folder]))
    if missing[folder]:
        raise DataError(
            f"{folder} lacks {', '.join(missing[folder])}. Give the folder CUB_200_2011, with all "
            f"that {ARCHIVE} has."
        )
    return folder


def find_attributes(folder: Path) -> Path:
    """``attributes.txt``, which the owners' archive has beside the folder.

    Raises:
        DataError: it is in none of the places.
    """
    candidates = [place / ATTRIBUTES for place in (folder, folder / "attributes", folder.parent)]
    for path in candidates:
        if os.path.isfile(path):
            return path
    raise DataError(
        f"There is no attributes.txt: neither of {', '.join(map(str, candidates))}. It is at the "
        f"top of {ARCHIVE}, beside CUB_200_2011."
    )


def read_bytes(path: Path) -> bytes:
    """The file; DataError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}).") from None


def read_list(path: Path, *, distinct: bool = True) -> dict[int, str]:
    """Number → what follows it, in the order of the file.

    Args:
        path: Lines of a number, a blank and a text.
        distinct: Whether to refuse a text that occurs twice.

    Raises:
        DataError: the file cannot be read, is empty, has another line, or a number twice.
    """
    found: dict[int, str] = {}
    try:
        lines = read_bytes(path).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise DataError(f"{path}: bytes that are no UTF-8. Unpack {ARCHIVE} anew.") from None
    for number, line in enumerate(lines, 1):
        words = line.split(None, 1)
        if not words:
            continue
        where = f"{path}, line {number}"
        if len(words) < 2 or not (words[0].isascii() and words[0].isdigit()) or len(words[0]) > 9:
            raise DataError(f"{where}: {line[:60]!r} is not a number and a name.")
        if int(words[0]) in found:
            raise DataError(f"{where}: the number {words[0]} occurs twice.")
        found[int(words[0])] = words[1].strip()
    if not found:
        raise DataError(f"{path}: the list is empty. Unpack {ARCHIVE} anew.")
    if distinct and len(set(found.values())) < len(found):
        twice, _ = Counter(found.values()).most_common(1)[0]
        raise DataError(f"{path}: {twice!r} occurs twice. Unpack {ARCHIVE} anew.")
    return found


def read_boxes(path: Path, images: Collection[int]) -> NDArray[np.float32]:
    """(N, 4) corners of each image's box, in the order of ``images``.

    Raises:
        DataError: an image has no box, or there is a box without image, or one of no area.
    """
    found = read_list(path, distinct=False)
    different = found.keys() ^ set(images)
    if different:
        raise DataError(
            f"{path}: {len(different)} images are only there or only in {IMAGES}, for example "
            f"{min(different)}. Unpack {ARCHIVE} anew."
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
