"""One folder per class, with its images in it."""

import os
from collections import defaultdict
from pathlib import Path

import numpy as np

from largeloss.data.examine.duplicates import sha256
from largeloss.data.importers.imported import Imported
from largeloss.data.inputs.suffixes import SUFFIXES
from largeloss.errors import DataError
from largeloss.labels import LabelTable
from largeloss.labels.files.header import check_one_word, meaning_of_unlisted
from largeloss.labels.names import first_names


def read(root: Path, unlisted: str | None = None) -> Imported:
    """``root/<class>/<images>``: an image shows the class of its folder; the others are unlisted.

    A file that is there under the same name and with the same bytes in the folders of several
    classes is one image of all of them; it goes by its name in the first. Images are found by
    their suffix, also in folders below that of a class.

    Raises:
        ConfigError: ``unlisted`` is neither ``"unknown"`` nor ``"absent"``.
        DataError: there is no such folder, or no image in it.
    """
    if unlisted is not None and "=" in unlisted:
        check_one_word(unlisted, "folders of classes have no splits")
    meaning = meaning_of_unlisted(
        unlisted,
        "An image lies in the folder of one class; are the other classes absent from it?",
    )
    if not root.is_dir():
        raise DataError(f"{root} is no folder. Needed: a folder with one folder for each class.")
    try:
        found, beside, strangers = _find(root)
    except OSError as error:
        raise DataError(f"{root}: cannot be read ({error}).") from None
    if not any(found.values()):
        raise DataError(
            f"{root}: no folder in it has an image (looked for {', '.join(sorted(SUFFIXES))}). "
            "Needed: a folder with one folder for each class, and images in these."
        )
    classes = tuple(found)
    shared = _shared(root, found)
    rows: list[int] = []
    columns: list[int] = []
    row_of: dict[str, int] = {}
    for column, name in enumerate(classes):
        for path in found[name]:
            own = f"{name}/{path}"
            rows.append(row_of.setdefault(shared.get(own, own), len(row_of)))
            columns.append(column)
    notes = []
    if merged := len(rows) - len(row_of):
        notes.append(
            f"{merged} files are the same, by name and bytes, as one in the folder of another "
            "class: such a file is one image with several labels."
        )
    if beside:
        notes.append(f"{beside} images lie beside the classes' folders and are left out.")
    if strangers:
        notes.append(f"{strangers} files in the classes' folders are no images, by their suffix.")
    if empty := [name for name in classes if not found[name]]:
        notes.append(f"{len(empty)} classes have no image: {first_names(map(repr, empty), 5)}.")
    images = list(row_of)
    if meaning["train"] == "absent":
        states = np.zeros((len(images), len(classes)), dtype=np.int8)
        states[rows, columns] = 1
        table = LabelTable.from_dense(states, images, classes)
    else:
        table = LabelTable.from_entries(rows, columns, 1, images=images, classes=classes)
    return Imported(
        name=root.resolve().name,
        table=table,
        splits={"train": np.arange(len(images), dtype=np.int64)},
        image_root=root,
        notes=tuple(notes),
    )


def _find(root: Path) -> tuple[dict[str, list[str]], int, int]:
    """Class → paths in its folder, with slashes; images beside the folders; other files."""
    found: dict[str, list[str]] = {}
    beside = strangers = 0
    for entry in sorted(os.scandir(root), key=lambda entry: entry.name):
        if entry.name.startswith("."):
            continue
        if not entry.is_dir():
            beside += Path(entry.name).suffix.lower() in SUFFIXES
            continue
        paths = []
        for folder, _, files in os.walk(entry.path):
            for name in files:
                if Path(name).suffix.lower() in SUFFIXES:
                    paths.append(Path(folder, name).relative_to(entry.path).as_posix())
                elif not name.startswith("."):
                    strangers += 1
        found[entry.name] = sorted(paths)
    return found, beside, strangers


def _shared(root: Path, found: dict[str, list[str]]) -> dict[str, str]:
    """Name → the name of an identical file in the folder of an earlier class."""
    holders = defaultdict(list)
    for name, paths in found.items():
        for path in paths:
            holders[path].append(f"{name}/{path}")
    same = {}
    for names in holders.values():
        first: dict[bytes | None, str] = {}
        for name in names if len(names) > 1 else ():
            digest = sha256(root / name)
            if digest is not None and first.setdefault(digest, name) != name:
                same[name] = first[digest]
    return same
