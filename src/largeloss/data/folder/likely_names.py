"""What may have been meant by the name of an image that is not there."""

import os.path
import unicodedata
from functools import cached_property
from itertools import product
from pathlib import Path

from largeloss.data.inputs.suffixes import SUFFIXES

_FOLDERS = 100  # folders that are looked into


class LikelyNames:
    """Looks for missing images in the folder ``root``, which is read once for all of them."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._held: dict[str, dict[str, str]] = {}

    def said(self, image: str) -> str:
        """A sentence that begins with a line end, if the missing ``image`` is there otherwise.

        Looked for are slashes in place of backslashes, spaces around the name, another case or
        suffix, letters that another system has composed otherwise, a folder in front, and none of
        those in front.
        """
        name = image.strip().replace("\\", "/")
        parts = [part for place, part in enumerate(name.split("/")) if part or not place]
        if ".." in parts:
            return ""
        for dropped, folder in product(range(len(parts)), ["", *self._folders]):
            inside = "/".join(parts[dropped:])
            found = self._find(folder + inside, loosely=not (dropped and folder))
            if found is not None and found != image:
                front = "/".join(parts[:dropped]) + "/" if dropped else ""
                said = _difference(image, front, folder, inside, found)
                return (
                    f"\n{self._root} has {found!r}, where the label file says {image!r}: write the "
                    f"names {' and '.join(said)}."
                )
        return ""

    @cached_property
    def _folders(self) -> list[str]:
        try:
            found = sorted(entry.name for entry in os.scandir(self._root) if entry.is_dir())
        except OSError:
            return []
        return [f"{name}/" for name in found[:_FOLDERS]]

    def _find(self, name: str, loosely: bool) -> str | None:
        """The file of a name; ``loosely`` also by a name alike.

        Alike are names of another case, of another suffix of images, and of letters that are
        composed otherwise.
        """
        if not name.strip("/") or name.startswith("/"):
            return None
        if os.path.isfile(self._root / name):
            return name
        if not loosely:
            return None
        found = ""
        for part in name.split("/"):
            if found not in self._held:
                self._held[found] = _alike(self._root / found)
            held = self._held[found]
            own = held.get(_letters(part), held.get(_stem(part)))
            if own is None:
                return None
            found = f"{found}/{own}" if found else own
        return found if os.path.isfile(self._root / found) else None


def _alike(folder: Path) -> dict[str, str]:
    """What a folder holds, by its letters, and images also by these without suffix."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return {}
    letters = {_letters(name): name for name in names}
    return {_split(one)[0]: name for one, name in letters.items()} | letters


def _letters(name: str) -> str:
    """Without case; a letter with its marks is one sign, or several, as systems have it."""
    return unicodedata.normalize("NFC", name.casefold())


def _stem(name: str) -> str:
    return _split(_letters(name))[0]


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
    if "//" in image:
        said.append("without empty folders ('//')")
    if unicodedata.normalize("NFC", old_stem) != unicodedata.normalize("NFC", new_stem):
        said.append("in upper and lower case as the files have them")
    if old_stem.casefold() != new_stem.casefold():  # which look the same
        form = "NFC" if unicodedata.is_normalized("NFC", new_stem) else "NFD"
        said.append(f"in the Unicode form that the files have, {form}")
    if old != new:
        said.append(f"with the suffix {new}{f' in place of {old}' if old else ''}")
    if folder:
        said.append(f"with {folder} in front")
    if front:
        said.append(f"without {front} in front")
    return said
