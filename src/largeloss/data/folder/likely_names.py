"""What may have been meant by the name of an image that is not there."""

import os.path
from itertools import product
from pathlib import Path

from largeloss.data.inputs.suffixes import SUFFIXES

_FOLDERS = 100  # folders that are looked into


def likely_name(image: str, root: Path) -> str:
    """A sentence that begins with a line end, if the missing ``image`` is in ``root`` otherwise.

    Looked for are slashes in place of backslashes, spaces around the name, another case or suffix,
    a folder in front, and none of those in front.
    """
    name = image.strip().replace("\\", "/")
    parts = name.split("/")
    if ".." in parts:
        return ""
    held: dict[str, dict[str, str]] = {}
    for dropped, folder in product(range(len(parts)), ["", *_folders(root)]):
        inside = "/".join(parts[dropped:])
        loosely = not (dropped and folder)
        found = _find(root, folder + inside, held if loosely else None)
        if found is not None and found != image:
            front = "/".join(parts[:dropped]) + "/" if dropped else ""
            said = _difference(image, front, folder, inside, found)
            return (
                f"\n{root} has {found!r}, where the label file says {image!r}: write the names "
                f"{' and '.join(said)}."
            )
    return ""


def _folders(root: Path) -> list[str]:
    try:
        found = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())
    except OSError:
        return []
    return [f"{name}/" for name in found[:_FOLDERS]]


def _find(root: Path, name: str, held: dict[str, dict[str, str]] | None) -> str | None:
    """The file of a name below ``root``; with ``held``, what folders hold, also by a like name.

    Alike are names of another case, and of another suffix of images.
    """
    if not name.strip("/") or name.startswith("/"):
        return None
    if os.path.isfile(root / name):
        return name
    if held is None:
        return None
    found = ""
    for part in name.split("/"):
        if found not in held:
            held[found] = _alike(root / found)
        own = held[found].get(part.casefold(), held[found].get(_stem(part)))
        if own is None:
            return None
        found = f"{found}/{own}" if found else own
    return found if os.path.isfile(root / found) else None


def _alike(folder: Path) -> dict[str, str]:
    """What a folder holds, by names without case, and images also by these without suffix."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return {}
    stems = {_stem(name): name for name in names if Path(name).suffix.lower() in SUFFIXES}
    return stems | {name.casefold(): name for name in names}


def _stem(name: str) -> str:
    return _split(name.casefold())[0]


def _split(name: str) -> tuple[str, str]:
    """What stands before the suffix of an image, and that; other dots belong to the name."""
    stem, suffix = os.path.splitext(name)
    return (stem, suffix) if suffix.lower() in SUFFIXES else (name, "")


def _difference(image: str, front: str, folder: str, inside: str, found: str) -> list[str]:
    """How ``found`` is written, otherwise than ``image``."""
    said = []
    if "\\" in image:
        said.append("with '/' in place of '\\'")
    if image != image.strip():
        said.append("without spaces around them")
    (old_stem, old), (new_stem, new) = _split(folder + inside), _split(found)
    if old_stem != new_stem:
        said.append("in upper and lower case as the files have them")
    if old != new:
        said.append(f"with the suffix {new}{f' in place of {old}' if old else ''}")
    if folder:
        said.append(f"with {folder} in front")
    if front:
        said.append(f"without {front} in front")
    return said
