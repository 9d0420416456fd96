"""A collection without some of its images."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from largeloss.data.importers.imported import Imported
from largeloss.data.importers.parts import select_boxes
from largeloss.errors import DataError


def leave_out(imported: Imported, rows: Sequence[int], note: str) -> Imported:
    """``imported`` without the images ``rows``; the others keep their order.

    Raises:
        DataError: nothing would be left of a split.
    """
    kept = np.ones(imported.table.num_images, dtype=np.bool_)
    kept[list(rows)] = False
    renumbered = np.cumsum(kept, dtype=np.int64) - 1
    splits = {name: renumbered[own[kept[own]]] for name, own in imported.splits.items()}
    for name, own in splits.items():
        if not len(own):
            raise DataError(
                f"Not one image of the {name} split of {imported.name} can be used.\n{note}"
            )
    boxes = imported.boxes
    if boxes is not None:
        boxes = select_boxes(boxes, kept[boxes.rows])
        boxes = boxes._replace(rows=renumbered[boxes.rows])
    return replace(
        imported,
        table=imported.table.select(np.flatnonzero(kept)),
        splits=splits,
        features=None if imported.features is None else imported.features[kept],
        boxes=boxes,
        notes=(*imported.notes, note),
    )
