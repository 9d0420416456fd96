"""Where the pictures of a table lie, never outside the folder that they are meant to be in."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from largeloss.data.description import Folders
from largeloss.errors import DataError


def locate_pictures(
    images: Sequence[str], folders: Folders, follow_symlinks: bool = False
) -> tuple[Path, ...]:
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
        found = {
            name: iter(_inside(rests, folders[name], follow_symlinks))
            for name, rests in groups.items()
        }
        return tuple(next(found[image.partition("/")[0]]) for image in images)
    return _inside(images, folders, follow_symlinks)


def _inside(names: Sequence[str], folder: Path, follow: bool) -> tuple[Path, ...]:
    base = os.path.realpath(folder)
    resolved: dict[str, str] = {}  # most pictures share their folder with others
    paths, outside = [], []
    for name in names:
        path = folder / name
        parent = str(path.parent)
        if parent not in resolved:
            resolved[parent] = os.path.realpath(parent)
        real = os.path.realpath(path) if os.path.islink(path) else resolved[parent]
        leaves = not (real + os.sep).startswith(base.rstrip(os.sep) + os.sep)
        if ".." in Path(name).parts or os.path.isabs(name) or (leaves and not follow):
            outside.append(name)
        paths.append(path)
    if outside:
        raise DataError(
            f"{len(outside)} pictures lie outside {folder}, for example {outside[:3]}. Put them "
            "into the folder; for a collection that is made of links say --follow-symlinks."
        )
    return tuple(paths)
