"""The subsets of OpenImages V3 made one table."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from largeloss.data.dataset import Rows
from largeloss.data.importers.openimages_csv import ImageList, format_id
from largeloss.data.importers.openimages_lists import IMAGES, SUBSETS
from largeloss.errors import DataError
from largeloss.labels import LabelTable


def check_apart(folder: Path, lists: Mapping[str, ImageList]) -> None:
    """Raises DataError where two of the splits have an image in common."""
    for first, second in (("train", "val"), ("train", "test"), ("val", "test")):
        both = np.flatnonzero(lists[first].rows_of(lists[second].ids) >= 0)
        if both.size:
            raise DataError(
                f"{folder}: {both.size} images are both in {SUBSETS[first]}/{IMAGES} and in "
                f"{SUBSETS[second]}/{IMAGES}, for example "
                f"{format_id(int(lists[second].ids[both[0]]))!r}. Unpack the files anew."
            )


def only_annotated(
    ids: NDArray[np.uint64], packed: NDArray[np.int64], num_classes: int
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Ids and entries without the images that have no entry; the entries are renumbered.

    Args:
        ids: (n,) the images.
        packed: (M,) entries, ``(row * num_classes + column) * 2 + state``.
        num_classes: C.
    """
    rows, rest = np.divmod(packed, 2 * num_classes)
    used = np.zeros(len(ids), dtype=np.bool_)
    used[rows] = True
    renumbered = np.cumsum(used) - 1
    return ids[used], renumbered[rows] * (2 * num_classes) + rest


def join_subsets(
    ids: Mapping[str, NDArray[np.uint64]],
    packed: Mapping[str, NDArray[np.int64]],
    classes: tuple[str, ...],
) -> tuple[LabelTable, dict[str, Rows]]:
    """The table and the splits, one after another; rows of ``packed`` count from 0 in each."""
    splits: dict[str, Rows] = {}
    images: list[str] = []
    entries = []
    for split, numbers in ids.items():
        entries.append(packed[split] + len(images) * 2 * len(classes))
        splits[split] = np.arange(len(numbers), dtype=np.int64) + len(images)
        images += [f"{SUBSETS[split]}/{format_id(number)}.jpg" for number in numbers.tolist()]
    keys = np.concatenate(entries)
    entries.clear()
    states = (keys & 1).astype(np.int8)
    keys >>= 1
    rows, columns = np.divmod(keys, len(classes))
    del keys
    table = LabelTable.from_entries(rows, columns, states, images=images, classes=classes)
    return table, splits
