"""Where the files of OpenImages V3 lie, and its lists of classes."""

import csv
import os
from pathlib import Path

from largeloss.errors import DataError

SUBSETS = {"train": "train", "val": "validation", "test": "test"}
"""Split → folder."""
TRAINABLE = "classes-trainable.txt"
DESCRIPTIONS = "class-descriptions.csv"
IMAGES = "images.csv"
ANNOTATIONS = "annotations-human.csv"
RELEASE = "2017_11"

_STORE = f"https://storage.googleapis.com/openimages/{RELEASE}"
ARCHIVES = {
    TRAINABLE: f"{_STORE}/classes_{RELEASE}.tar.gz",
    DESCRIPTIONS: f"{_STORE}/classes_{RELEASE}.tar.gz",
    IMAGES: f"{_STORE}/images_{RELEASE}.tar.gz",
    ANNOTATIONS: f"{_STORE}/annotations_human_{RELEASE}.tar.gz",
}
"""File → what the owners pack it in."""


def find_folder(root: Path) -> Path:
    """The folder with the lists: ``root/2017_11`` or ``root``; all the files are in it.

    Raises:
        DataError: files are missing; the message says which, and where they come from.
    """
    files = [f"{folder}/{name}" for folder in SUBSETS.values() for name in (IMAGES, ANNOTATIONS)]
    files += [TRAINABLE, DESCRIPTIONS]
    missing: dict[Path, list[str]] = {}
    for folder in (root / RELEASE, root):
        missing[folder] = [name for name in files if not os.path.isfile(folder / name)]
        if not missing[folder]:
            return folder
    folder = min(missing, key=lambda folder: len(missing[folder]))
    absent = missing[folder]
    archives = sorted({ARCHIVES[name.rsplit("/", 1)[-1]] for name in absent})
    raise DataError(
        f"{folder} lacks {len(absent)} of the {len(files)} files of OpenImages V3: "
        f"{', '.join(absent)}. Unpack {' and '.join(archives)} there."
    )


def read_trainable(folder: Path) -> tuple[str, ...]:
    """The ids of the trainable classes, in the order of the file.

    Raises:
        DataError: the file cannot be read, is empty, or has an id twice.
    """
    path = folder / TRAINABLE
    found: dict[str, int] = {}
    for number, line in enumerate(_read_text(path).splitlines(), 1):
        name = line.strip()
        if name in found:
            raise DataError(f"{path}, line {number}: {name!r} stands in line {found[name]} too.")
        if name:
            found[name] = number
    if not found:
        raise DataError(f"{path}: the list is empty. Unpack {ARCHIVES[TRAINABLE]} anew.")
    return tuple(found)


def read_descriptions(folder: Path) -> dict[str, str]:
    """Class id → what it means in English, in the order of the file.

    Raises:
        DataError: the file cannot be read, a line is not ``id,description``, or an id is there
            twice.
    """
    path = folder / DESCRIPTIONS
    found: dict[str, str] = {}
    rows = csv.reader(_read_text(path).splitlines(), strict=True)
    try:
        for row in rows:
            if not row:
                continue
            where = f"{path}, line {rows.line_num}"
            if len(row) != 2 or not row[0]:
                raise DataError(f"{where}: needed is 'id,description', got {len(row)} fields.")
            if row[0] in found:
                raise DataError(f"{where}: {row[0]!r} is described twice.")
            found[row[0]] = row[1]
    except csv.Error as error:
        raise DataError(f"{path}, line {rows.line_num}: this is no CSV ({error}).") from None
    return found


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path}: cannot be read ({error}). Unpack {ARCHIVES[path.name]} anew."
        ) from None
