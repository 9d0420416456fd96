"""``boxes.parquet`` of a data folder: where things are in the images.

Columns: ``image``; ``class``, null for a box that serves every class; ``left``, ``top``, ``right``
and ``bottom`` in pixels of the original image, from 0, right and bottom exclusive;
``difficult``.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import compute as pc
from pyarrow import parquet

from largeloss.data.importers.imported import Boxes
from largeloss.errors import DataError
from largeloss.labels import LabelTable
from largeloss.labels.files.parquet import read_parquet

BOXES = "boxes.parquet"
SIDES = ("left", "top", "right", "bottom")
COLUMNS = ("image", "class", *SIDES, "difficult")


def write_boxes(path: Path, boxes: Boxes, table: LabelTable) -> None:
    """Writes ``boxes``, whose rows and columns are those of ``table``."""
    images = pa.array(table.images, pa.string()).take(pa.array(boxes.rows))
    every = boxes.columns < 0
    columns = pa.array(boxes.columns, pa.int32(), mask=every)
    found = {"image": images, "class": pa.array(table.classes, pa.string()).take(columns)}
    for side, values in zip(SIDES, boxes.corners.T, strict=True):
        found[side] = pa.array(np.ascontiguousarray(values, dtype=np.float32))
    found["difficult"] = pa.array(boxes.difficult)
    parquet.write_table(pa.table(found), path)


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


def _positions(column: Any, names: tuple[str, ...]) -> Any:
    """(M,) int64: where each string stands in ``names``, -1 where nowhere."""
    found = pc.index_in(column.cast(pa.string()), value_set=pa.array(names, pa.string()))
    return pc.fill_null(found, -1).to_numpy().astype(np.int64)
