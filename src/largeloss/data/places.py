"""Where the pictures of a table lie, never outside the folder that they are meant to be in."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import overload

from largeloss.data.description import Folders
from largeloss.errors import DataError


class PicturePaths(Sequence[Path]):
    """The path of every picture, made when it is asked for: millions of them would take gigabytes.

    Args:
        images: As :func:`locate_pictures`.
        folders: As :func:`locate_pictures`.
    """

    def __init__(self, images: Sequence[str], folders: Folders) -> None:
        self.images, self.folders = images, folders

    def __len__(self) -> int:
        return len(self.images)

    @overload
    def __getitem__(self, place: int) -> Path: ...
    @overload
    def __getitem__(self, place: slice) -> "PicturePaths": ...
    def __getitem__(self, place: int | slice) -> "Path | PicturePaths":
        if isinstance(place, slice):
            return PicturePaths(self.images[place], self.folders)
        image = self.images[place]
        if isinstance(self.folders, Mapping):
            first, _, rest = image.partition("/")
            return self.folders[first] / rest
        return self.folders / image

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]


def locate_pictures(
    images: Sequence[str], folders: Folders, follow_symlinks: bool = False
) -> PicturePaths:
    """The path of every picture; whether it exists is not looked at.

    Args:
        images: N names with slashes.
        folders: The folder that names start from; or, for each first part of a name, the folder
            that the rest starts from.
        follow_symlinks: Whether a picture may be a link that leads out of its folder.

    Raises:
        DataError: a name leads out of its folder, or has none.
    """
    if isinstance(folders, Mapping):
        groups: dict[str, list[str]] = {name: [] for name in folders}
        for image in images:
            first, _, rest = image.partition("/")
            if first not in groups or not rest:
                raise DataError(
                    f"dataset.json does not say where the picture {image!r} lies: its 'pictures' "
                    f"name {', '.join(map(repr, folders)) or 'nothing'}."
                )
            groups[first].append(rest)
        for name, rests in groups.items():
            _check_inside(rests, folders[name], follow_symlinks)
    else:
        _check_inside(images, folders, follow_symlinks)
    return PicturePaths(images, folders)


def _check_inside(names: Sequence[str], folder: Path, follow: bool) -> None:
    base = os.path.realpath(folder)
    resolved: dict[str, str] = {}  # most pictures share their folder with others
    outside = []
    for name in names:
        path = folder / name
        parent = str(path.parent)
        if parent not in resolved:
            resolved[parent] = os.path.realpath(parent)
        real = os.path.realpath(path) if os.path.islink(path) else resolved[parent]
        leaves = not (real + os.sep).startswith(base.rstrip(os.sep) + os.sep)
        if ".." in Path(name).parts or os.path.isabs(name) or (leaves and not follow):
            outside.append(name)
    if outside:
        raise DataError(
            f"{len(outside)} pictures lie outside {folder}, for example {outside[:3]}. Put them "
            "into the folder; for a collection that is made of links say --follow-symlinks."
        )
