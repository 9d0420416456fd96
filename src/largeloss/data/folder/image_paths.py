"""Where the images of a table lie, never outside the folder that they are meant to be in."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import overload

from largeloss.data.folder.dataset_json import Folders
from largeloss.data.folder.likely_names import LikelyNames
from largeloss.errors import DataError

_ELSEWHERE = (
    " Where the images lie in another folder, make a data folder of both: largeloss data import "
    "csv LABELS --images FOLDER --out NEW, with names that start from FOLDER."
)
_OF_WINDOWS = re.compile("[A-Za-z]:/")
"""With a drive in front; elsewhere than on Windows a folder may be called so."""
_TRIED = 3  # missing images that are looked for under other names


@dataclass(frozen=True)
class ImagePaths(Sequence[Path]):
    """The path of every image, made when it is asked for: millions of them would take gigabytes."""

    images: Sequence[str]
    folders: Folders

    def __len__(self) -> int:
        return len(self.images)

    @overload
    def __getitem__(self, place: int) -> Path: ...
    @overload
    def __getitem__(self, place: slice) -> "ImagePaths": ...
    def __getitem__(self, place: int | slice) -> "Path | ImagePaths":
        if isinstance(place, slice):
            return ImagePaths(self.images[place], self.folders)
        image = self.images[place]
        if isinstance(self.folders, Mapping):
            first, _, rest = image.partition("/")
            return self.folders[first] / rest
        return self.folders / image


def locate_images(
    images: Sequence[str], folders: Folders, follow_symlinks: bool = False
) -> ImagePaths:
    """The path of every image; whether it exists is not looked at.

    Only with ``follow_symlinks`` may an image be a link that leads out of its folder.

    Raises:
        DataError: a name leads out of its folder, has none, or no file can be called so; two names
            lead to one file.
    """
    if impossible := [name for name in images if "\0" in name]:
        raise DataError(
            f"{len(impossible)} names of images have a NUL character, for example "
            f"{impossible[0]!r}: no file can be called so. Correct the label file."
        )
    _refuse_equal_paths(images)
    if not isinstance(folders, Mapping):
        _check_inside(images, folders, follow_symlinks)
        return ImagePaths(images, folders)
    groups: dict[str, list[str]] = {name: [] for name in folders}
    for image in images:
        first, _, rest = image.partition("/")
        if first not in groups or not rest:
            raise DataError(
                f"dataset.json does not say where the image {image!r} lies: its 'images' name "
                f"{', '.join(map(repr, folders)) or 'nothing'}."
            )
        groups[first].append(rest)
    for name, rests in groups.items():
        _check_inside(rests, folders[name], follow_symlinks)
    return ImagePaths(images, folders)


def likely_names(paths: Sequence[Path], rows: Sequence[int]) -> str:
    """As :meth:`.LikelyNames.said`, for the first few of the ``rows`` that are missing."""
    if not isinstance(paths, ImagePaths) or isinstance(paths.folders, Mapping):
        return ""
    missing = (row for row in rows if not os.path.isfile(paths[row]))
    likely = LikelyNames(paths.folders)
    found = (likely.said(paths.images[row]) for row in islice(missing, _TRIED))
    return next(filter(None, found), "")


def _check_inside(names: Sequence[str], folder: Path, follow: bool) -> None:
    base = os.path.realpath(folder)
    resolved: dict[str, str] = {}  # most images share their folder with others
    absolute, outside = [], []
    for name in names:
        if os.path.isabs(name) or (_OF_WINDOWS.match(name) and not os.path.isfile(folder / name)):
            absolute.append(name)
            continue
        path = folder / name
        parent = str(path.parent)
        if parent not in resolved:
            resolved[parent] = os.path.realpath(parent)
        real = os.path.realpath(path) if os.path.islink(path) else resolved[parent]
        leaves = not (real + os.sep).startswith(base.rstrip(os.sep) + os.sep)
        if ".." in Path(name).parts or (leaves and not follow):
            outside.append(name)
    if absolute:
        raise DataError(
            f"{len(absolute)} names of images are absolute, for example {absolute[:3]}. Needed are "
            f"names that start from the folder of the images, {folder}, as 'cats/1.jpg' does."
            f"{LikelyNames(folder).said(absolute[0]) or _ELSEWHERE}"
        )
    if outside:
        raise DataError(
            f"{len(outside)} images lie outside {folder}, for example {outside[:3]}. Put them "
            "into the folder; for a collection that is made of links say --follow-symlinks."
        )


def _refuse_equal_paths(images: Sequence[str]) -> None:
    """Refuses names that are written differently and lead to one file, such as ``./a.png``."""
    if not any("./" in name or "//" in name for name in images):
        return  # the names of a table are distinct as they are written
    first: dict[str, str] = {}
    equal = []
    for name in images:
        other = first.setdefault(os.path.normpath(name), name)
        if other is not name:
            equal.append(f"{other!r} = {name!r}")
    if equal:
        raise DataError(
            f"Images are named twice, by different ways to write one path ({len(equal)} in all): "
            f"{', '.join(equal[:3])}. Every image needs one name and one split: write it in one "
            "way, and merge its labels."
        )
