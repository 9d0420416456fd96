"""Which of the images that a collection names are missing, or cannot be read."""

from collections.abc import Sequence
from pathlib import Path

from largeloss.data.folder.image_paths import locate_images
from largeloss.data.inputs.image_files import broken_images
from largeloss.data.inputs.threads import BLOCK, map_files
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

    Args:
        images: Names with slashes.
        folder: Where they start from.
        decode: Without it, images that are damaged are not found.
        follow_symlinks: Whether images may be links that lead out of ``folder``.
        workers: Threads.

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
    missing: list[int] = []
    unreadable: dict[int, str] = {}
    for start in range(0, len(images), BLOCK):
        paths = locate_images(images[start : start + BLOCK], folder, follow_symlinks)
        there = list(map_files(Path.is_file, paths, workers))
        missing += [start + place for place, found in enumerate(there) if not found]
        if decode:
            places = [place for place, found in enumerate(there) if found]
            broken = broken_images(paths, workers, places)
            unreadable |= {start + place: text for place, text in broken.items()}
    cases = (
        ("are missing", [images[row] for row in missing]),
        ("cannot be read", list(unreadable.values())),
    )
    words = "\n".join(
        f"{len(texts)} of {len(images)} images {what}:\n{first_lines(texts)}"
        for what, texts in cases
        if texts
    )
    return sorted([*missing, *unreadable]), words
