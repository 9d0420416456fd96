"""Caltech-UCSD Birds-200-2011: 312 attributes of bird images.

Source: the README of CUB_200_2011.tgz, https://www.vision.caltech.edu/datasets/cub_200_2011/
"""

from pathlib import Path

import numpy as np

from largeloss.data.importers.cub_labels import read_labels, read_split
from largeloss.data.importers.cub_lists import (
    BOXES,
    IMAGES,
    LABELS,
    SPLIT,
    find_attributes,
    find_folder,
    read_boxes,
    read_list,
)
from largeloss.data.importers.imported import Boxes, Imported
from largeloss.data.importers.inside import check_inside
from largeloss.labels import LabelTable

PUBLISHED = {"train": 5_994, "test": 5_794, "classes": 312}


def read(root: Path) -> Imported:
    """Images, attributes and boxes; ``is_present`` is taken as it is, whatever the certainty.

    Args:
        root: The folder ``CUB_200_2011``, or the one that it is in. ``attributes.txt`` may lie in
            it, in ``attributes``, or beside it as in the owners' archive.

    Returns:
        Images are named by their path in ``images``: first the training images, then the test
        images, both in the order of ``images.txt``. Labels are complete. Each image has one
        box, of column -1.

    Raises:
        DataError: files are missing or cannot be understood, or do not fit together.
    """
    folder = find_folder(Path(root))
    names = read_list(folder / IMAGES)
    for number, name in names.items():
        check_inside(name, f"{folder / IMAGES}, image {number}")
    attributes = read_list(find_attributes(folder))
    is_train = read_split(folder / SPLIT, names)
    order = np.argsort(~is_train, kind="stable")
    paths = list(names.values())
    labels = read_labels(folder / LABELS, names, attributes)[order]
    corners = read_boxes(folder / BOXES, names)[order]
    table = LabelTable.from_dense(
        labels, [paths[row] for row in order.tolist()], attributes.values()
    )
    num_train, num_images = int(is_train.sum()), len(names)
    return Imported(
        name="cub",
        table=table,
        splits={"train": np.arange(num_train), "test": np.arange(num_train, num_images)},
        image_root=folder / "images",
        boxes=Boxes(
            np.arange(num_images),
            np.full(num_images, -1, dtype=np.int32),
            corners,
            np.zeros(num_images, dtype=np.bool_),
        ),
        published=PUBLISHED,
        notes=("Attributes count as annotated, also where the annotator was not certain.",),
    )
