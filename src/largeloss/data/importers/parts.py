"""Parts of a collection with labels for every image, joined to one table."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from largeloss.data.dataset import Rows
from largeloss.data.importers.imported import Boxes
from largeloss.labels import LabelTable


class Part(NamedTuple):
    """n images that the owners publish together, such as the train list, and their labels."""

    images: Sequence[str]
    """n names, as in the table."""
    labels: NDArray[np.int8]
    """(n, C), complete: 1 present, 0 absent."""
    boxes: Boxes
    """With rows from 0 to n - 1, in any order."""


class Joined(NamedTuple):
    """What becomes of the parts."""

    table: LabelTable
    splits: dict[str, Rows]
    boxes: Boxes


def select_boxes(boxes: Boxes, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Boxes:
    """The boxes ``chosen`` by a mask (M,) or by positions (K,), in that order."""
    return Boxes(
        boxes.rows[chosen], boxes.columns[chosen], boxes.corners[chosen], boxes.difficult[chosen]
    )


def without_unlabelled(part: Part) -> Part:
    """Without the images that have not one label, and without their boxes."""
    kept = np.asarray(part.labels.any(axis=1))
    images = [part.images[row] for row in np.flatnonzero(kept).tolist()]
    boxes = select_boxes(part.boxes, kept[part.boxes.rows])
    renumbered = np.cumsum(kept, dtype=np.int64) - 1
    return Part(images, part.labels[kept], boxes._replace(rows=renumbered[boxes.rows]))


def join_parts(parts: Mapping[str, Part], classes: Sequence[str]) -> Joined:
    """One complete table of the parts, one after another; each part is a split.

    Boxes come by row, and inside a row in the order in which they were given.
    """
    splits: dict[str, Rows] = {}
    images: list[str] = []
    rows = []
    for name, part in parts.items():
        rows.append(part.boxes.rows + len(images))
        splits[name] = np.arange(len(part.images), dtype=np.int64) + len(images)
        images += part.images
    labels = np.concatenate([part.labels for part in parts.values()])
    boxes = Boxes(
        np.concatenate(rows),
        np.concatenate([part.boxes.columns for part in parts.values()]),
        np.concatenate([part.boxes.corners for part in parts.values()]),
        np.concatenate([part.boxes.difficult for part in parts.values()]),
    )
    order = np.argsort(boxes.rows, kind="stable")
    table = LabelTable.from_dense(labels, images, classes)
    return Joined(table, splits, select_boxes(boxes, order))
