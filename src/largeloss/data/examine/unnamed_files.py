"""Image files of a data folder that no row of its labels names."""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from heapq import nsmallest
from pathlib import Path

from largeloss.data.folder.dataset_json import Folders
from largeloss.data.inputs.suffixes import SUFFIXES

_SHOWN = 3


def about_unnamed(images: Sequence[str], folders: Folders) -> Iterator[str]:
    """How many there are, in a sentence; none where there is none.

    Hidden files and folders are not looked at, nor are those behind links.
    """
    places = folders if isinstance(folders, Mapping) else {"": folders}
    named = _named(images, folders)
    count, first = 0, list[str]()
    for inside, names in _unnamed(places, named):
        count += len(names)
        found = (os.path.join(inside, name) for name in nsmallest(_SHOWN, names))
        first = nsmallest(_SHOWN, [*first, *found])
    if count:
        number = "1 image file is" if count == 1 else f"{count:,} image files are"
        more = f" and {count - _SHOWN:,} more" if count > _SHOWN else ""
        yield (
            f"{number} named by no row of the labels, and not used: "
            f"{', '.join(map(repr, first))}{more}. If they should be, give each a row."
        )


def _named(images: Sequence[str], folders: Folders) -> Mapping[str, set[str]]:
    """Folder → names of the files in it, without links: several names may lead to one file."""
    named = defaultdict[str, set[str]](set)
    resolved: dict[tuple[str, str], str] = {}  # most images share their folder with others
    for image in images:
        first, rest = "", image
        if isinstance(folders, Mapping):
            first, _, rest = image.partition("/")
        inside, name = os.path.split(rest)
        if (key := (first, inside)) not in resolved:
            folder = folders[first] if isinstance(folders, Mapping) else folders
            resolved[key] = os.path.realpath(folder / inside)
        path = os.path.join(resolved[key], name)
        named[resolved[key]].add(name)
        if os.path.islink(path):
            inside, name = os.path.split(os.path.realpath(path))
            named[inside].add(name)
    return named


def _unnamed(
    places: Mapping[str, Path], named: Mapping[str, set[str]]
) -> Iterator[tuple[str, list[str]]]:
    """Folder, as names of images begin with it, and the files in it; each is walked once."""
    walked: set[str] = set()
    for first, place in places.items():
        top = os.path.realpath(place)
        for path, inner, files in os.walk(top):
            if path in walked:  # of another place, too, or below one
                inner.clear()
                continue
            walked.add(path)
            inner[:] = [name for name in inner if not name.startswith(".")]
            own = named.get(path, set())
            left = [
                name
                for name in files
                if name not in own
                and not name.startswith(".")
                and os.path.splitext(name)[1].lower() in SUFFIXES
                and not _leads_to_named(os.path.join(path, name), named)
            ]
            if left:
                inside = "" if path == top else os.path.relpath(path, top)
                yield os.path.join(first, inside), left


def _leads_to_named(path: str, named: Mapping[str, set[str]]) -> bool:
    if not os.path.islink(path):
        return False
    inside, name = os.path.split(os.path.realpath(path))
    return name in named.get(inside, ())
