"""Miniature trees in the format of MS COCO, with images of 16×12 pixels.

``write_coco(root, 2014)`` makes a tree that is ready to be read; ``train`` and ``test`` say what
else shall be in the images::

    write_coco(root, 2014, train={9: [Instance("dog"), Instance("person", crowd=True)]})
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

GROUPS = {
    "person": {1: "person"},
    "vehicle": dict(
        enumerate(["bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat"], 2)
    ),
    "outdoor": {10: "traffic light", 11: "fire hydrant", 13: "stop sign", 14: "parking meter",
                15: "bench"},
    "animal": dict(enumerate(["bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear",
                              "zebra", "giraffe"], 16)),
    "accessory": {27: "backpack", 28: "umbrella", 31: "handbag", 32: "tie", 33: "suitcase"},
    "sports": dict(enumerate(["frisbee", "skis", "snowboard", "sports ball", "kite",
                              "baseball bat", "baseball glove", "skateboard", "surfboard",
                              "tennis racket"], 34)),
    "kitchen": {44: "bottle", 46: "wine glass", 47: "cup", 48: "fork", 49: "knife", 50: "spoon",
                51: "bowl"},
    "food": dict(enumerate(["banana", "apple", "sandwich", "orange", "broccoli", "carrot",
                            "hot dog", "pizza", "donut", "cake"], 52)),
    "furniture": {62: "chair", 63: "couch", 64: "potted plant", 65: "bed", 67: "dining table",
                  70: "toilet"},
    "electronic": dict(enumerate(["tv", "laptop", "mouse", "remote", "keyboard", "cell phone"],
                                 72)),
    "appliance": dict(enumerate(["microwave", "oven", "toaster", "sink", "refrigerator"], 78)),
    "indoor": dict(enumerate(["book", "clock", "vase", "scissors", "teddy bear", "hair drier",
                              "toothbrush"], 84)),
}  # fmt: skip
CATEGORIES = [
    {"supercategory": group, "id": number, "name": name}
    for group, members in GROUPS.items()
    for number, name in members.items()
]
"""The 80 of the official files, in their order; ids go up to 90."""
CLASSES = [str(category["name"]) for category in CATEGORIES]
IDS = {str(category["name"]): category["id"] for category in CATEGORIES}


class Instance(NamedTuple):
    """One object as COCO describes it."""

    name: str
    box: tuple[float, float, float, float] = (2, 1, 8, 7)
    """x, y, width, height; from 0."""
    crowd: bool = False


Drawn = Mapping[int, Sequence[Instance]]


def make_images(start: int, num: int) -> Drawn:
    """``num`` images; the k-th has class k mod 80, every second one class (k + 7) mod 80 too, and
    every fifth one a crowd of people."""
    images = {}
    for k in range(start, start + num):
        instances = [Instance(CLASSES[k % 80])]
        instances += [Instance(CLASSES[(k + 7) % 80], (0, 0, 4.5, 5.25))] if k % 2 == 0 else []
        instances += [Instance("person", crowd=True)] if k % 5 == 0 else []
        images[k] = instances
    return images


def write_coco(
    root: Path,
    year: int,
    train: Drawn | None = None,
    test: Drawn | None = None,
    *,
    images_in: str = ".",
) -> Path:
    """Writes ``annotations``, ``train2014`` and ``val2014`` (or 2017) into ``root``.

    Args:
        root: Made where it is missing.
        year: 2014 or 2017.
        train: Objects by image id; by default 20 images, with ids from 1.
        test: The same for the official val; by default 10 images, with ids from 101.
        images_in: Where the folders of images go: ``"."`` or ``"images"``.

    Returns:
        ``root``.
    """
    splits = {
        "train": make_images(1, 20) if train is None else train,
        "val": make_images(101, 10) if test is None else test,
    }
    for split, images in splits.items():
        folder = root / images_in / f"{split}{year}"
        folder.mkdir(parents=True, exist_ok=True)
        content = make_content(year, split, images)
        write_json(root, year, split, content)
        for image in content["images"]:
            shade = image["id"] * 37 % 256
            Image.new("RGB", (16, 12), (shade, 255 - shade, 128)).save(folder / image["file_name"])
    return root


def make_content(year: int, split: str, drawn: Drawn) -> dict[str, Any]:
    """What an instance file holds; ``split`` is ``train`` or ``val``."""
    prefix = f"COCO_{split}2014_" if year == 2014 else ""
    images = [
        {"license": 1, "file_name": f"{prefix}{number:012d}.jpg", "height": 12, "width": 16,
         "date_captured": f"{year}-11-21 01:37:46", "id": number}
        for number in drawn
    ]  # fmt: skip
    annotations: list[dict[str, Any]] = []
    for number, instances in drawn.items():
        for name, (x, y, width, height), crowd in instances:
            outline: Any = [[x, y, x + width, y, x + width, y + height]]
            if crowd:
                outline = {"counts": [10, 20, 162], "size": [12, 16]}
            annotations.append(
                {"segmentation": outline, "area": width * height, "iscrowd": int(crowd),
                 "image_id": number, "bbox": [x, y, width, height], "category_id": IDS[name],
                 "id": len(annotations) + 1}
            )  # fmt: skip
    return {
        "info": {"description": f"COCO {year} Dataset", "version": "1.0", "year": year},
        "licenses": [{"url": "http://creativecommons.org/licenses/by/2.0/", "id": 1, "name": "-"}],
        "images": images,
        "annotations": annotations,
        "categories": CATEGORIES,
    }


def write_json(root: Path, year: int, split: str, content: Any) -> Path:
    """Writes ``annotations/instances_<split><year>.json``; ``split`` is ``train`` or ``val``."""
    path = root / "annotations" / f"instances_{split}{year}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
