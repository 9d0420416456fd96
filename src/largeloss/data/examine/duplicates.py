"""Images that are there more than once, and what that does to splits and labels."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from largeloss.data.dataset import Rows
from largeloss.data.inputs.threads import map_files
from largeloss.files import check_regular
from largeloss.labels import LabelTable
from largeloss.labels.entries import gather, sort_and_merge

BEGINNING = 16_384
"""Bytes that are compared before a file is read to its end."""


@dataclass(frozen=True)
class DuplicateGroup:
    """Two or more images whose files are the same, byte for byte."""

    images: tuple[str, ...]
    splits: tuple[str, ...]
    """The split of each image; empty for an image that is in none."""
    leaks: bool
    """Whether the images are in different splits."""
    contradicted: tuple[str, ...]
    """Classes that are present on one of the images and absent on another."""


def find_duplicates(
    paths: Sequence[Path], table: LabelTable, splits: Mapping[str, Rows], workers: int = 2
) -> tuple[DuplicateGroup, ...]:
    """Groups of identical files among ``paths``, one path per row of ``table``.

    Only bytes are compared: the same image saved twice, in another size or format, is not found.
    """
    groups = identical_files(paths, workers)
    names = np.full(table.num_images, "", dtype=object)
    for name, rows in splits.items():
        names[rows] = name
    contradicted = _contradictions(table, groups)
    return tuple(
        DuplicateGroup(
            images=tuple(table.images[row] for row in group),
            splits=tuple(names[group]),
            leaks=len(set(names[group]) - {""}) > 1,
            contradicted=contradicted[number],
        )
        for number, group in enumerate(groups)
    )


def identical_files(
    paths: Sequence[Path], workers: int = 2, sizes: NDArray[np.int64] | None = None
) -> list[list[int]]:
    """Positions of files with the same bytes, in groups of two or more, by the first position.

    ``sizes`` are theirs, where they are known. Only files of one size, and then of one beginning,
    are read in full. Empty files, and what cannot be read, belong to no group.
    """
    if sizes is None:
        found = map_files(size_of, paths, workers, "Sizes of files")
        sizes = np.fromiter(found, np.int64, len(paths))
    alike = np.flatnonzero((sizes > 0) & _repeated(sizes))
    files = [(paths[place], int(sizes[place])) for place in alike.tolist()]
    begun = np.fromiter(
        map_files(_beginning, files, workers, "Files of equal size"), np.uint64, len(files)
    )
    places = alike[_repeated(begun)].tolist()
    groups = defaultdict(list)
    whole = map_files(sha256, [paths[place] for place in places], workers, "Files that begin alike")
    for place, digest in zip(places, whole, strict=True):
        if digest is not None:
            groups[digest].append(place)
    return sorted(group for group in groups.values() if len(group) > 1)


def _repeated(values: NDArray[Any]) -> NDArray[np.bool_]:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    repeated: NDArray[np.bool_] = (counts > 1)[inverse]
    return repeated


def size_of(path: Path) -> int:
    """In bytes; 0 for what is no file, or cannot be looked at."""
    try:
        return path.stat().st_size if path.is_file() else 0
    except (OSError, ValueError):
        return 0


def _beginning(file: tuple[Path, int]) -> int:
    path, size = file
    digest = hashlib.blake2b(size.to_bytes(8, "little"), digest_size=8)
    try:
        with path.open("rb") as opened:
            digest.update(opened.read(BEGINNING))
    except OSError:
        return 0
    return int.from_bytes(digest.digest(), "little")


def sha256(path: Path) -> bytes | None:
    """Of the file; None where it cannot be read."""
    try:
        check_regular(path)
        with path.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").digest()
    except OSError:
        return None


def _contradictions(table: LabelTable, groups: Sequence[Sequence[int]]) -> list[tuple[str, ...]]:
    """For each group of rows, the classes that are both present and absent in it."""
    rows = np.array([row for group in groups for row in group], dtype=np.int64)
    numbers = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    lengths, positions = gather(table.offsets, rows)
    keys = np.repeat(numbers, lengths) * table.num_classes + table.columns[positions]
    merged, _ = sort_and_merge(keys, table.states[positions])
    found: list[list[str]] = [[] for _ in groups]
    for key in merged[1:][merged[1:] == merged[:-1]].tolist():
        number, column = divmod(key, table.num_classes)
        found[number].append(table.classes[column])
    return [tuple(names) for names in found]
