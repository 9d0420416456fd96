"""Where things are in the images, and ``boxes.parquet``, which holds that in a data folder.

Columns: ``image``; ``class``, null for a box that serves every class; ``left``, ``top``, ``right``
and ``bottom`` in pixels of the original image, from 0, right and bottom exclusive;
``difficult``.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute as pc
from pyarrow import parquet

from largeloss.errors import DataError
from largeloss.labels import LabelTable
from largeloss.labels.files.columns import coded
from largeloss.labels.files.parquet import read_parquet
from largeloss.labels.names import positions_of

BOXES = "boxes.parquet"
SIDES = ("left", "top", "right", "bottom")
COLUMNS = ("image", "class", *SIDES, "difficult")


class Boxes(NamedTuple):
    """M boxes, sorted by row."""

    rows: NDArray[np.int64]
    """(M,): the image, as in the table."""
    columns: NDArray[np.int32]
    """(M,): the class, as in the table; -1 for a box that serves every class (CUB's bird)."""
    corners: NDArray[np.float32]
    """(M, 4): left, top, right, bottom, in pixels of the original image, from 0; right and
    bottom are exclusive."""
    difficult: NDArray[np.bool_]
    """(M,): VOC's "difficult", COCO's "iscrowd": not counted against a model."""

    def select(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Self:
        """The boxes ``chosen`` by a mask (M,) or by positions (K,), in that order."""
        rows, columns, corners, difficult = self
        return type(self)(rows[chosen], columns[chosen], corners[chosen], difficult[chosen])

    def of_images(self, kept: NDArray[np.bool_]) -> Self:
        """The boxes of the images ``kept`` (N,), whose rows are numbered from 0 again."""
        chosen = self.select(kept[self.rows])
        return chosen._replace(rows=(np.cumsum(kept, dtype=np.int64) - 1)[chosen.rows])

    @classmethod
    def concatenated(cls, parts: Sequence["Boxes"]) -> Self:
        """All boxes, sorted by row; boxes of one row stay in their order."""
        whole = cls._make(np.concatenate(column) for column in zip(*parts, strict=True))
        return whole.select(np.argsort(whole.rows, kind="stable"))


def write_boxes(path: Path, boxes: Boxes, table: LabelTable) -> None:
    """Writes ``boxes``, whose rows and columns are those of ``table``."""
    images = pa.array(table.images, pa.string()).take(pa.array(boxes.rows))
    columns = pa.array(boxes.columns, pa.int32(), mask=boxes.columns < 0)
    sides = [pa.array(np.ascontiguousarray(side, dtype=np.float32)) for side in boxes.corners.T]
    classes = pa.array(table.classes, pa.string()).take(columns)
    found = [images, classes, *sides, pa.array(boxes.difficult)]
    parquet.write_table(pa.table(found, list(COLUMNS)), path)


def read_boxes(path: Path, table: LabelTable) -> Boxes:
    """The boxes of the images and classes of ``table``, sorted by row; others are left out.

    Raises:
        DataError: the file cannot be read, or is not as described above.
    """
    content = read_parquet(path, DataError)
    if missing := [name for name in COLUMNS if name not in content.schema.names]:
        raise DataError(
            f"{path} has no column {' and no '.join(missing)}; needed are {', '.join(COLUMNS)}."
        )
    try:
        rows = _positions(content["image"], table.images)
        columns = _positions(content["class"], table.classes)
        sides = [content[side].cast(pa.float32()).to_numpy() for side in SIDES]
        difficult = content["difficult"].cast(pa.bool_()).to_numpy()
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DataError(f"{path}: a column is of a type that cannot be used ({error}).") from None
    corners = np.stack(sides, axis=1).astype(np.float32)
    if not np.isfinite(corners).all() or difficult.dtype != np.bool_:
        raise DataError(
            f"{path}: sides of boxes must be finite numbers, and 'difficult' true or false."
        )
    every = np.asarray(pc.is_null(content["class"]))
    columns[every] = -1
    kept = np.flatnonzero((rows >= 0) & ((columns >= 0) | every))
    kept = kept[np.argsort(rows[kept], kind="stable")]
    return Boxes(rows[kept], columns[kept].astype(np.int32), corners[kept], difficult[kept])


def _positions(column: Any, names: tuple[str, ...]) -> NDArray[np.int64]:
    """(M,): where each string stands in ``names``, -1 where nowhere."""
    distinct, codes = coded(column.cast(pa.string()))
    return positions_of(distinct, names)[codes]
