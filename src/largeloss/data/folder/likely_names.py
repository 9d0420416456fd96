"""What may have been meant by names of images that are not there."""

import os.path
from collections.abc import Mapping, Sequence
from itertools import islice, product
from pathlib import Path

from largeloss.data.folder.image_paths import ImagePaths
from largeloss.data.inputs.suffixes import SUFFIXES

_TRIED = 3  # missing images that are looked for under other names
_FOLDERS = 100  # folders that are looked into


def likely_names(paths: Sequence[Path], rows: Sequence[int]) -> str:
    """As :func:`likely_name`, for the first few of the ``rows`` that are missing."""
    if not isinstance(paths, ImagePaths) or isinstance(paths.folders, Mapping):
        return ""
    missing = (row for row in rows if not os.path.isfile(paths[row]))
    found = (likely_name(paths.images[row], paths.folders) for row in islice(missing, _TRIED))
    return next(filter(None, found), "")


def likely_name(image: str, root: Path) -> str:
    """A sentence that begins with a line end, if the missing ``image`` is in ``root`` otherwise.

    Looked for are slashes in place of backslashes, a suffix, a folder in front, and none in front.
    """
    name = image.replace("\\", "/")
    within = [name] + ([name.partition("/")[2]] if "/" in name else [])
    suffixes = ["", *sorted(SUFFIXES), *(suffix.upper() for suffix in sorted(SUFFIXES))]
    for inside, suffix, folder in product(within, suffixes, ["", *_folders(root)]):
        candidate = f"{folder}{inside}{suffix}"
        if candidate == image or ".." in Path(inside).parts:
            continue
        if os.path.isfile(root / candidate):
            return f"\n{root} has {candidate!r}{_difference(image, folder, inside, suffix)}."
    return ""


def _folders(root: Path) -> list[str]:
    try:
        found = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())
    except OSError:
        return []
    return [f"{name}/" for name in found[:_FOLDERS]]


def _difference(image: str, folder: str, inside: str, suffix: str) -> str:
    said = []
    if "\\" in image:
        said.append("with '/' in place of '\\'")
    if suffix:
        said.append(f"with the suffix {suffix}")
    if folder:
        said.append(f"with {folder} in front")
    if inside != image.replace("\\", "/"):
        said.append(f"without {image[: len(image) - len(inside)]} in front")
    return f", where the label file says {image!r}: write the names {' and '.join(said)}"
