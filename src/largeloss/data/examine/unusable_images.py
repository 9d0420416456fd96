"""Which of the images that a collection names are missing, or cannot be read."""

import os.path
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from largeloss.data.folder.image_paths import likely_names, locate_images
from largeloss.data.inputs.image_files import decode_all
from largeloss.data.inputs.threads import map_files
from largeloss.errors import DataError
from largeloss.labels.names import first_lines


def find_unusable(
    images: Sequence[str],
    folder: Path,
    decode: bool = True,
    follow_symlinks: bool = False,
    workers: int = 2,
) -> tuple[list[int], str]:
    """Looks for every image and, with ``decode``, decodes it in full.

    Names of images start from ``folder``; links may lead out of it with ``follow_symlinks``.

    Returns:
        Positions of images that cannot be trained on, ascending, and what is wrong with them, in
        lines for the user.

    Raises:
        DataError: there is no such folder, or names lead out of it.
    """
    if not folder.is_dir():
        raise DataError(
            f"{folder} is not there: the {len(images)} images were looked for in this folder. "
            "Unpack them there, or take the labels alone with --no-images."
        )
    paths = locate_images(images, folder, follow_symlinks)
    there = np.fromiter(
        map_files(os.path.isfile, paths, workers, "Looking for files"), np.bool_, len(paths)
    )
    missing = np.flatnonzero(~there).tolist()
    unreadable = {}
    if decode:
        unreadable = decode_all(paths, workers, np.flatnonzero(there).tolist()).broken
    cases = (
        ("are missing", [images[row] for row in missing]),
        ("cannot be read", list(unreadable.values())),
    )
    words = "\n".join(
        f"{len(texts)} of {len(images)} images {what}:\n{first_lines(texts)}"
        for what, texts in cases
        if texts
    )
    return sorted([*missing, *unreadable]), words + likely_names(paths, missing)
