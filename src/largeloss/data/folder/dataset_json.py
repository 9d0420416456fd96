"""``dataset.json``: what a data folder is besides its labels.

::

    {
      "format": 1,
      "name": "voc2012",
      "images": "/data/VOCdevkit/VOC2012/JPEGImages",
      "classes": ["aeroplane", "bicycle"],
      "published": {"train": 5717, "test": 5823, "classes": 20},
      "notes": ["Sentences for the user."],
      "fingerprints": {"data": "sha256 of labels and splits"}
    }

``images`` is the folder that the images' names start from, absolute or relative to the data
folder; for joined collections an object, from the first part of the names to the folder of the
rest; null where inputs are features.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from largeloss.errors import DataError
from largeloss.files import loaded_json, read_text
from largeloss.labels import LabelTable

DESCRIPTION = "dataset.json"
FORMAT = 1

Folders = Path | Mapping[str, Path]
"""Where images lie: under one folder, or for each first part of a name under its own."""


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """The file's content, with paths as they stand there."""

    format: int = FORMAT
    name: str
    images: str | dict[str, str] | None
    classes: tuple[str, ...]
    """All of the label file's, in the order of the table."""
    published: dict[str, int] = {}
    """Published sizes: ``train``, ``val``, ``test``, ``classes``."""
    notes: tuple[str, ...] = ()
    fingerprints: dict[str, str] = {}
    """``data``: SHA-256 of labels and splits as they were written; others are for the record."""

    def folders(self, root: Path) -> Folders | None:
        """Where images lie, for the data folder ``root``."""
        if isinstance(self.images, dict):
            return {name: root / path for name, path in self.images.items()}
        return None if self.images is None else root / self.images


def read_description(root: Path) -> Description | None:
    """The description in the data folder ``root``; None where it has none.

    Raises:
        DataError: the file cannot be read or understood.
    """
    path = root / DESCRIPTION
    if not path.exists():
        return None
    try:
        found = msgspec.convert(loaded_json(read_text(path)), Description)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} cannot be understood ({error}). Correct it, or write the folder again with "
            "'largeloss data import'."
        ) from None
    if found.format != FORMAT:
        raise DataError(
            f"{path} has the format {found.format}; this version of largeloss reads {FORMAT}. "
            "Update largeloss, or write the folder again with 'largeloss data import'."
        )
    return found


def in_order(root: Path, table: LabelTable, classes: tuple[str, ...]) -> LabelTable:
    """``table`` with its classes as ``dataset.json`` orders them.

    Raises:
        DataError: it has others.
    """
    if table.classes == classes:
        return table
    ours, theirs = set(table.classes), set(classes)
    if ours != theirs or len(classes) != len(theirs):
        shown = ", ".join(map(repr, sorted(ours ^ theirs)[:3])) or "one that is listed twice"
        raise DataError(
            f"{root}: {DESCRIPTION} lists {len(classes)} classes and the label file has "
            f"{len(ours)}, and they are not the same: {shown}. Correct 'classes' in "
            f"{DESCRIPTION}, or remove that file."
        )
    return table.select_classes(classes)
