"""Labels as JSON in the format of COCO, with absences as LVIS has them.

Present is an annotation without a box, absent is in the image's ``neg_category_ids``, and of what
is in neither nobody knows.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from largeloss.data.importers.coco_json import read_coco_json
from largeloss.errors import DataError
from largeloss.files import written_atomically
from largeloss.labels import ABSENT, PRESENT, LabelTable


def write_coco(path: Path, table: LabelTable, splits: Sequence[str] | None = None) -> None:
    """Writes images, annotations and categories, all numbered from 1; ``split`` is in the image."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, int]] = []
    for row, name in enumerate(table.images):
        own = slice(table.offsets[row], table.offsets[row + 1])
        ids, states = table.columns[own].astype(np.int64) + 1, table.states[own]
        image = {"id": row + 1, "file_name": name}
        image |= {} if splits is None else {"split": splits[row]}
        images.append(image | {"neg_category_ids": ids[states == ABSENT].tolist()})
        annotations += [
            {"id": len(annotations) + number, "image_id": row + 1, "category_id": category}
            for number, category in enumerate(ids[states == PRESENT].tolist(), 1)
        ]
    categories = [{"id": column + 1, "name": name} for column, name in enumerate(table.classes)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    with written_atomically(path) as partial:
        partial.write_bytes(msgspec.json.encode(content))


def read_coco(path: Path) -> LabelTable:
    """The labels of a file in the format of COCO; what it does not say is unobserved.

    Raises:
        DataError: as :func:`.read_coco_json`, or there is no image or category.
    """
    file = read_coco_json(path)
    if not file.images or not file.categories:
        raise DataError(f"{path}: there is no image or no category. At least one is needed.")
    dense = np.full((len(file.images), len(file.categories)), -1, dtype=np.int8)
    dense[file.absent_rows, file.absent_columns] = ABSENT
    dense[file.rows, file.columns] = PRESENT
    return LabelTable.from_dense(dense, file.images, file.categories.values())
