"""The text files of NUS-WIDE: lists of images and one file of labels a concept."""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from largeloss.data.importers.inside import check_inside
from largeloss.data.importers.numbers import leading_numbers
from largeloss.errors import DataError

OWNERS = "https://lms.comp.nus.edu.sg/wp-content/uploads/2019/research/nuswide/NUS-WIDE.html"
SPLITS = {"train": "Train", "test": "Test"}
"""Split → what it is called in the names of files."""

_CONCEPTS = ("ConceptsList/Concepts81.txt", "Concepts81.txt")


class Part(NamedTuple):
    """The images of a split."""

    images: list[str]
    """n paths, with slashes."""
    labels: NDArray[np.int8]
    """(n, C): 1 present, 0 absent."""


def read_concepts(root: Path) -> tuple[str, ...] | None:
    """The names of the classes, in the order of the file; None where there is no such file.

    Raises:
        DataError: the file cannot be read, is empty, or names a concept twice or so that no file
            can be called after it.
    """
    for path in (root / name for name in _CONCEPTS):
        if os.path.isfile(path):
            names = [line.strip() for line in _read_lines(path)]
            names = [name for name in names if name]
            if not names or len(set(names)) < len(names):
                raise DataError(
                    f"{path}: {'a concept is named twice' if names else 'the list is empty'}. "
                    f"Fetch it anew from {OWNERS}."
                )
            for name in names:
                if "/" in name:
                    raise DataError(f"{path}: {name!r} is no concept: it has a slash in it.")
                check_inside(name, str(path))
            return tuple(names)
    return None


def read_part(root: Path, split: str, concepts: tuple[str, ...]) -> Part:
    """All images of a split, also those without label.

    Raises:
        DataError: a file is missing or cannot be understood, or its number of lines is not that
            of the list.
    """
    path = root / "ImageList" / f"{SPLITS[split]}Imagelist.txt"
    folder = root / "Groundtruth" / "TrainTestLabels"
    files = [folder / f"Labels_{concept}_{SPLITS[split]}.txt" for concept in concepts]
    missing = [file for file in (path, *files) if not os.path.isfile(file)]
    if missing:
        shown = ", ".join(map(str, missing[:3])) + (", …" if len(missing) > 3 else "")
        raise DataError(
            f"{len(missing)} of {len(files) + 1} files of NUS-WIDE are missing: {shown}. Unpack "
            f"ImageList.zip, ConceptsList.zip and Groundtruth.zip of {OWNERS} in {root}."
        )
    images = _read_images(path)
    labels = np.empty((len(images), len(concepts)), dtype=np.int8)
    for column, file in enumerate(files):
        labels[:, column] = _read_labels(file, len(images), path)
    return Part(images, labels)


def inside_names(names: list[str], where: str) -> list[str]:
    """``names`` with slashes for backslashes; DataError where one leads out of its folder."""
    names = [name.strip().replace("\\", "/") for name in names]
    for number, name in enumerate(names, 1):
        check_inside(name, f"{where}, image {number}")
    if len(set(names)) < len(names):
        seen: set[str] = set()
        for number, name in enumerate(names, 1):
            if name in seen:
                raise DataError(f"{where}, image {number}: {name!r} is listed before. Remove it.")
            seen.add(name)
    return names


def _read_images(path: Path) -> list[str]:
    names = [line for line in _read_lines(path) if line.strip()]
    if not names:
        raise DataError(f"{path}: the list is empty. Fetch it anew from {OWNERS}.")
    return inside_names(names, str(path))


def _read_labels(path: Path, needed: int, listing: Path) -> NDArray[np.int64]:
    """(n,) 1 or 0."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}).") from None
    values, lines = leading_numbers(data, 1, str(path), exact=True)
    if len(values) != needed:
        raise DataError(
            f"{path} has {len(values)} lines, but {listing} lists {needed} images. Fetch both "
            f"anew from {OWNERS}."
        )
    wrong = values[:, 0] > 1
    if wrong.any():
        first = int(np.argmax(wrong))
        raise DataError(
            f"{path}, line {lines[first]}: the label is {values[first, 0]}. Needed: 1 (present) "
            "or 0 (absent)."
        )
    return values[:, 0]


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}). Fetch it anew from {OWNERS}.") from None
