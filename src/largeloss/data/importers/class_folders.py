"""One folder per class, with its images in it; these may lie in folders of splits."""

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from largeloss.data.examine.duplicates import sha256
from largeloss.data.importers.imported import Imported
from largeloss.data.inputs.suffixes import SUFFIXES
from largeloss.errors import DataError
from largeloss.labels import LabelTable
from largeloss.labels.files.header import check_one_word, meaning_of_unlisted
from largeloss.labels.files.layouts import SPLITS
from largeloss.labels.names import first_names

SPLIT_OF = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
"""How the folders of splits are called, in lower case → the split."""


def read(root: Path, unlisted: str | None = None) -> Imported:
    """``root/<class>/<images>``: an image shows the class of its folder; the others are unlisted.

    Where every folder in ``root`` is called as a split is, and none holds an image itself, it is
    ``root/<split>/<class>/<images>``; the classes are those of all splits.

    A file that is there under the same name and with the same bytes in the folders of several
    classes is one image of all of them; it goes by its name in the first. Images are found by
    their suffix, also in folders below that of a class, but for hidden ones. What lies behind links
    is found, too; ``--follow-symlinks`` decides later whether it may be used.

    Raises:
        ConfigError: ``unlisted`` is no word for all splits, and none for each of those there are.
        DataError: there is no such folder, or no image in it.
    """
    if not root.is_dir():
        raise DataError(f"{root} is no folder. Needed: a folder with one folder for each class.")
    try:
        found = _find(root)
    except OSError as error:
        raise DataError(f"{root}: cannot be read ({error}).") from None
    if unlisted is not None and "=" in unlisted and not found.of_splits:
        check_one_word(unlisted, "folders of classes have no splits")
    splits = tuple(dict.fromkeys(one.split for one in found.folders)) or ("train",)
    words = meaning_of_unlisted(
        unlisted,
        "An image lies in the folder of one class; are the other classes absent from it?",
        splits,
    )
    if not any(one.images for one in found.folders):
        raise DataError(
            f"{root}: no folder in it has an image (looked for {', '.join(sorted(SUFFIXES))}). "
            "Needed: a folder with one folder for each class, and images in these."
        )
    position = {name: column for column, name in enumerate(sorted(found.classes))}
    shared = _shared(root, found.folders)
    rows: list[int] = []
    columns: list[int] = []
    split_of: dict[str, str] = {}
    row_of: dict[str, int] = {}
    for one in found.folders:
        for image in one.images:
            own = f"{one.path}/{image}"
            own = shared.get(own, own)
            rows.append(row_of.setdefault(own, len(row_of)))
            columns.append(position[one.name])
            split_of[own] = one.split
    images, of_row = list(split_of), np.array(list(split_of.values()))
    absent = np.isin(of_row, [split for split in splits if words[split] == "absent"])
    if absent.any():
        states = np.full((len(images), len(position)), -1, dtype=np.int8)
        states[absent] = 0
        states[rows, columns] = 1
        table = LabelTable.from_dense(states, images, position)
    else:
        table = LabelTable.from_entries(rows, columns, 1, images=images, classes=position)
    return Imported(
        name=root.resolve().name,
        table=table,
        splits={split: np.flatnonzero(of_row == split) for split in splits if split in of_row},
        image_root=root,
        notes=tuple(_notes(found, len(rows) - len(images))),
    )


class _ClassFolder(NamedTuple):
    split: str
    name: str
    """That of the class."""
    path: str
    """From the root, with slashes."""
    images: list[str]
    """Paths in this folder, with slashes."""


@dataclass
class _Found:
    of_splits: list[str]
    """The folders that hold splits; empty where the root holds those of classes."""
    folders: list[_ClassFolder] = field(default_factory=list)
    """By split and name."""
    beside: int = 0
    """Images that lie beside folders of classes."""
    strangers: int = 0
    """Files in folders of classes that are no images."""
    links: list[str] = field(default_factory=list)
    """Folders below those of classes that are links."""

    @property
    def classes(self) -> set[str]:
        return {one.name for one in self.folders}


def _notes(found: _Found, merged: int) -> Iterator[str]:
    if found.of_splits:
        yield (
            f"Read as splits: the folders {', '.join(map(repr, found.of_splits))}; classes are the "
            "folders in them. If these names are classes, call one of the folders otherwise."
        )
    if merged:
        yield (
            f"{merged} files are the same, by name and bytes, as one in the folder of another "
            "class: such a file is one image with several labels."
        )
    if found.beside:
        yield f"{found.beside} images lie beside the classes' folders and are left out."
    if found.strangers:
        yield f"{found.strangers} files in the classes' folders are no images, by their suffix."
    if found.links:
        yield (
            f"{len(found.links)} folders within the classes' folders are links; images behind them "
            f"are found, too: {first_names(map(repr, sorted(found.links)))}."
        )
    if empty := sorted(found.classes - {one.name for one in found.folders if one.images}):
        yield f"{len(empty)} classes have no image: {first_names(map(repr, empty), 5)}."


def _find(root: Path) -> _Found:
    found = _Found(_folders_of_splits(root))
    places = [(SPLIT_OF[name.casefold()], f"{name}/") for name in found.of_splits]
    places.sort(key=lambda place: SPLITS.index(place[0]))
    if places:
        found.beside += sum(_is_image(name) for name, folder in _entries(root) if not folder)
    for split, inside in places or [("train", "")]:
        for name, folder in _entries(root / inside):
            if folder:
                path = f"{inside}{name}"
                images = _images(root, path, found)
                found.folders.append(_ClassFolder(split, name, path, images))
            else:
                found.beside += _is_image(name)
    return found


def _folders_of_splits(root: Path) -> list[str]:
    """The folders in ``root``, if all of them hold splits; else none."""
    names = [name for name, folder in _entries(root) if folder]
    for name in names:
        held = _entries(root / name) if name.casefold() in SPLIT_OF else []
        if not held or any(_is_image(one) and not folder for one, folder in held):
            return []
    return names


def _images(root: Path, path: str, found: _Found) -> list[str]:
    """Images in the folder of a class, at ``path``; the rest is noted in ``found``.

    A folder is looked at once, whatever number of links leads to it.
    """
    images = []
    seen: set[str] = set()
    top = os.path.join(root, path)
    for folder, inner, files in os.walk(top, followlinks=True):
        real, inside = os.path.realpath(folder), Path(folder).relative_to(top)
        if real in seen:
            inner.clear()
            continue
        seen.add(real)
        if folder != top and os.path.islink(folder):
            found.links.append((path / inside).as_posix())
        shown = [os.path.join(folder, name) for name in inner if not name.startswith(".")]
        inner[:] = map(os.path.basename, sorted(shown, key=lambda one: (os.path.islink(one), one)))
        for name in files:
            if name.startswith("."):
                continue
            if _is_image(name):
                images.append((inside / name).as_posix())
            else:
                found.strangers += 1
    return sorted(images)


def _entries(folder: Path) -> list[tuple[str, bool]]:
    """The names in a folder but for hidden ones, sorted, and whether each is a folder itself."""
    with os.scandir(folder) as entries:
        return sorted((one.name, one.is_dir()) for one in entries if not one.name.startswith("."))


def _is_image(name: str) -> bool:
    return Path(name).suffix.lower() in SUFFIXES


def _shared(root: Path, folders: Sequence[_ClassFolder]) -> dict[str, str]:
    """Image → one with the same name and bytes in the folder of an earlier class of its split."""
    holders = defaultdict(list)
    for one in folders:
        for image in one.images:
            holders[one.path.removesuffix(one.name), image].append(f"{one.path}/{image}")
    same = {}
    for names in holders.values():
        first: dict[bytes | None, str] = {}
        for name in names if len(names) > 1 else ():
            digest = sha256(root / name)
            if digest is not None and first.setdefault(digest, name) != name:
                same[name] = first[digest]
    return same
