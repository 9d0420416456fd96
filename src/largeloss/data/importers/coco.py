"""MS COCO 2014 and 2017, as the owners' archives unpack.

Source: https://cocodataset.org/#download ; labels are made of ``annotations/instances_*.json``.
Protocol: images sorted by the string of their id, classes in the order of the file's categories;
crowds count; an image without an instance is left out.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from largeloss.data.dataset import Rows
from largeloss.data.importers.coco_json import Instances, read_instances
from largeloss.data.importers.imported import Boxes, Imported
from largeloss.data.importers.parts import Part, join_parts, select_boxes, without_unlabelled
from largeloss.errors import ConfigError, DataError

OWNERS = "http://images.cocodataset.org"
PUBLISHED: Mapping[int, Mapping[str, int]] = {
    2014: {"train": 82081, "test": 40137, "classes": 80},
    2017: {"train": 117266, "test": 4952, "classes": 80},
}


def read(root: Path, year: int) -> Imported:
    """Images, labels and boxes of a COCO tree.

    Args:
        root: The folder with ``annotations``, and with ``train2014`` and ``val2014`` (or 2017) or
            an ``images`` folder around them.
        year: 2014 or 2017; train is the official train, test the official val.

    Returns:
        Images are named as ``train2014/COCO_train2014_000000000009.jpg``. Boxes around crowds are
        marked difficult.

    Raises:
        ConfigError: another year.
        DataError: something is missing or cannot be understood; the message names the file.
    """
    if year not in PUBLISHED:
        raise ConfigError(f"COCO is read for 2014 and 2017, got {year!r}.")
    folders = {"train": f"train{year}", "test": f"val{year}"}
    files = {
        split: root / "annotations" / f"instances_{name}.json" for split, name in folders.items()
    }
    if missing := [str(path) for path in files.values() if not os.path.isfile(path)]:
        raise DataError(
            f"There is no file {' and no '.join(missing)}. Unpack "
            f"{OWNERS}/annotations/annotations_trainval{year}.zip in {root}."
        )
    images = _find_images(root, list(folders.values()))
    instances = {split: read_instances(path) for split, path in files.items()}
    _check_they_fit(instances["train"], instances["test"], files["train"], files["test"])
    categories = instances["train"].categories
    parts, notes = {}, []
    for split, folder in folders.items():
        whole = _make_part(instances[split], folder, categories)
        parts[split] = part = without_unlabelled(whole)
        if not len(part.images):
            raise DataError(f"{files[split]}: no image has an instance. At least one is needed.")
        if left_out := len(whole.images) - len(part.images):
            notes.append(
                f"{left_out} of {len(whole.images)} images of {folder} have no instance and are "
                "left out."
            )
        if empty := len(instances[split].crowd) - len(whole.boxes.rows):
            notes.append(
                f"{empty} boxes of {folder} have no area: they make labels, but are left out of "
                "the boxes."
            )
    table, splits, boxes = join_parts(parts, tuple(categories.values()))
    return Imported(
        name=f"coco{year}",
        table=table,
        splits=splits,
        image_root=images,
        boxes=boxes,
        published=PUBLISHED[year],
        notes=tuple(notes),
    )


def _find_images(root: Path, folders: Sequence[str]) -> Path:
    """The folder that the folders of images are in."""
    for images in (root, root / "images"):
        if all(os.path.isdir(images / folder) for folder in folders):
            return images
    archives = " and ".join(f"{OWNERS}/zips/{folder}.zip" for folder in folders)
    raise DataError(
        f"Neither {root} nor {root / 'images'} has both folders of images, "
        f"{' and '.join(folders)}. Unpack {archives} in one of them."
    )


def _check_they_fit(train: Instances, test: Instances, first: Path, second: Path) -> None:
    """Train and test must have the same categories, and no image in common."""
    if train.categories != test.categories:
        ours, theirs = set(train.categories.items()), set(test.categories.items())
        shown = ", ".join(f"{number} = {name!r}" for number, name in sorted(ours ^ theirs)[:3])
        raise DataError(
            f"{first} and {second} have different categories: {len(ours - theirs)} are in the "
            f"first only and {len(theirs - ours)} in the second only, for example {shown}. Take "
            "both files from one archive."
        )
    if both := train.images.keys() & test.images.keys():
        raise DataError(
            f"{first} and {second} have {len(both)} images in common, for example the id "
            f"{min(both)}. Train and test must not overlap; take both files from one archive."
        )


def _make_part(found: Instances, folder: str, categories: Mapping[int, str]) -> Part:
    ids = sorted(found.images, key=str)
    rows = _positions(np.array(ids, dtype=np.int64), found.image_ids)
    columns = _positions(np.array(list(categories), dtype=np.int64), found.category_ids)
    labels = np.zeros((len(ids), len(categories)), dtype=np.int8)
    labels[rows, columns] = 1
    left_top, sides = found.boxes[:, :2], found.boxes[:, 2:]
    corners = np.hstack([np.maximum(left_top, 0), left_top + sides]).astype(np.float32)
    solid = np.asarray((corners[:, 2:] > corners[:, :2]).all(axis=1))
    boxes = Boxes(rows, columns.astype(np.int32), corners, found.crowd)
    images = [f"{folder}/{found.images[number]}" for number in ids]
    return Part(images, labels, select_boxes(boxes, solid))


def _positions(known: Rows, used: Rows) -> Rows:
    """Where each of ``used`` (M,) stands in ``known`` (n,); all of them do."""
    order = np.argsort(known)
    return order[np.searchsorted(known, used, sorter=order)]
