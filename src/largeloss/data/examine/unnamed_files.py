"""Image files of a data folder that no row of its labels names."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from largeloss.data.examine.problems import some
from largeloss.data.folder.dataset_json import Folders
from largeloss.data.inputs.suffixes import SUFFIXES


def about_unnamed(images: Sequence[str], folders: Folders) -> Iterator[str]:
    """How many there are, in a sentence; none where there is none.

    Hidden files and folders are not looked at, nor are those behind links.
    """
    named = {os.path.normpath(name) for name in images}
    places = folders if isinstance(folders, Mapping) else {"": folders}
    found = sorted(
        name
        for first, folder in places.items()
        for file in _image_files(folder)
        if (name := os.path.join(first, file)) not in named
    )
    if found:
        number = "1 image file is" if len(found) == 1 else f"{len(found):,} image files are"
        yield (
            f"{number} named by no row of the labels, and not used: {some(map(repr, found), 3)}. "
            "If they should be, give each a row."
        )


def _image_files(folder: Path) -> Iterator[str]:
    for path, inner, files in os.walk(folder):
        inner[:] = [name for name in inner if not name.startswith(".")]
        for name in files:
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES:
                yield os.path.relpath(os.path.join(path, name), folder)
