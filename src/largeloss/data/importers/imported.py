"""What a reader makes of the owners' files, before a data folder is written of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from largeloss.data.dataset import Rows
from largeloss.labels import LabelTable


class Boxes(NamedTuple):
    """Where things are in the images: M boxes, sorted by row."""

    rows: NDArray[np.int64]
    """(M,): the image, as in the table."""
    columns: NDArray[np.int32]
    """(M,): the class, as in the table; -1 for a box that serves every class (CUB's bird)."""
    corners: NDArray[np.float32]
    """(M, 4): left, top, right, bottom, in pixels of the original image, from 0; right and
    bottom are exclusive."""
    difficult: NDArray[np.bool_]
    """(M,): VOC's "difficult", COCO's "iscrowd": not counted against a model."""


@dataclass(frozen=True)
class Imported:
    """A collection as its owners describe it."""

    name: str
    """As on the command line: ``voc2012``."""
    table: LabelTable
    """Labels of every image, in the order that the published protocol prescribes (training images
    first). Images are named by their path under ``image_root``, with slashes."""
    splits: Mapping[str, Rows]
    """``train`` and ``test`` (and ``val`` where the owners have one that is used as such): sorted
    rows. The published protocol takes val out of train afterwards."""
    image_root: Path | None = None
    """The folder that the images' names start from; None where inputs are features."""
    features: NDArray[np.float32] | None = None
    """(N, D), in place of images."""
    boxes: Boxes | None = None
    published: Mapping[str, int] = field(default_factory=dict)
    """Published sizes to compare with: ``train``, ``test``, ``classes``; a difference is said, and
    is no error."""
    notes: tuple[str, ...] = ()
    """What was found and decided on the way, in sentences for the user."""
