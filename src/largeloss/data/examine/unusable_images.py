"""Which of the images that a collection names are missing, or cannot be read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from largeloss.data.folder.image_paths import locate_images
from largeloss.data.inputs.image_files import broken_images
from largeloss.data.inputs.threads import BLOCK, map_files
from largeloss.errors import DataError

SHOWN = 10
"""So many are listed."""


@dataclass(frozen=True)
class Unusable:
    """Images that cannot be trained on, by row."""

    looked_at: int
    missing: tuple[int, ...]
    """There is no such file."""
    unreadable: dict[int, str]
    """Row → what is wrong, in a sentence; of the files that are there."""

    @property
    def rows(self) -> list[int]:
        """All of them, ascending."""
        return sorted([*self.missing, *self.unreadable])

    def in_words(self, images: Sequence[str]) -> str:
        """How many, and the first ones; empty where there is none."""
        parts = []
        if self.missing:
            names = [f"  {images[row]}" for row in self.missing]
            parts.append(_listed(f"{len(names)} of {self.looked_at} images are missing:", names))
        if self.unreadable:
            texts = [f"  {text}" for _, text in sorted(self.unreadable.items())]
            title = f"{len(texts)} of {self.looked_at} images cannot be read:"
            parts.append(_listed(title, texts))
        return "\n".join(parts)


def find_unusable(
    images: Sequence[str],
    folder: Path,
    *,
    decode: bool = True,
    follow_symlinks: bool = False,
    workers: int = 2,
) -> Unusable:
    """Looks for every image and, with ``decode``, decodes it in full.

    Args:
        images: Names with slashes.
        folder: Where they start from.
        decode: Without it, nothing is said of images that are damaged.
        follow_symlinks: Whether images may be links that lead out of ``folder``.
        workers: Threads.

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
            broken = broken_images([paths[place] for place in places], workers)
            unreadable |= {start + places[number]: text for number, text in broken.items()}
    return Unusable(len(images), tuple(missing), unreadable)


def _listed(title: str, lines: list[str]) -> str:
    more = [f"  … and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return "\n".join([title, *lines[:SHOWN], *more])
