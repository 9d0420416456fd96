"""Miniature trees in the format of Pascal VOC, with images of 16×12 pixels.

``write_voc(root, 2012)`` makes a tree that is ready to be read; ``train`` and ``test`` say what
else shall be in the images::

    write_voc(root, 2012, train={"2008_000001": [Thing("dog"), Thing("cat", difficult=True)]})
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image

CLASSES = [
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train",
    "tvmonitor",
]  # fmt: skip
LISTS = {
    2007: {"train": "trainval", "test": "test"},
    2012: {"train": "train", "test": "val"},
}


class Thing(NamedTuple):
    """One object as VOC describes it."""

    name: str
    box: tuple[float | str, ...] = (3, 2, 10, 8)
    """xmin, ymin, xmax, ymax: from 1, the last pixel included."""
    difficult: bool = False


Drawn = Mapping[str, Sequence[Thing]]


def make_images(year: int, start: int, num: int) -> Drawn:
    """``num`` images; the k-th has class k mod 20, every second one class (k + 7) mod 20 too, and
    every fifth one a difficult object of class (k + 11) mod 20."""
    images = {}
    for k in range(start, start + num):
        things = [Thing(CLASSES[k % 20])]
        things += [Thing(CLASSES[(k + 7) % 20], (1, 1, 4, 5))] if k % 2 == 0 else []
        things += [Thing(CLASSES[(k + 11) % 20], difficult=True)] if k % 5 == 0 else []
        images[f"{k:06d}" if year == 2007 else f"2008_{k:06d}"] = things
    return images


def write_voc(root: Path, year: int, train: Drawn | None = None, test: Drawn | None = None) -> Path:
    """Writes ``root/VOC2012`` (or 2007), so that ``root`` stands for ``VOCdevkit``.

    Args:
        root: Made where it is missing.
        year: 2012 (lists train and val) or 2007 (lists trainval and test).
        train: Objects by image, named without suffix; by default 20 images.
        test: The same; by default 10 images.

    Returns:
        The folder ``VOC2012``.
    """
    folder = root / f"VOC{year}"
    for name in ("ImageSets/Main", "Annotations", "JPEGImages"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    splits = {
        "train": make_images(year, 1, 20) if train is None else train,
        "test": make_images(year, 101, 10) if test is None else test,
    }
    for split, images in splits.items():
        path = folder / "ImageSets/Main" / f"{LISTS[year][split]}.txt"
        path.write_text("".join(f"{name}\n" for name in images), encoding="utf-8")
        for name, things in images.items():
            write_annotation(folder, name, things)
            write_image(folder / "JPEGImages" / f"{name}.jpg", things)
    return folder


def write_annotation(folder: Path, name: str, things: Sequence[Thing]) -> None:
    """Writes ``Annotations/<name>.xml``."""
    lines = [
        "<annotation>",
        f"<folder>{folder.name}</folder><filename>{name}.jpg</filename>",
        "<source><database>The VOC Database</database></source>",
        "<size><width>16</width><height>12</height><depth>3</depth></size>",
        "<segmented>0</segmented>",
    ]
    for thing in things:
        sides = zip(("xmin", "ymin", "xmax", "ymax"), thing.box, strict=True)
        corners = "".join(f"<{side}>{value}</{side}>" for side, value in sides)
        lines += [
            f"<object><name>{thing.name}</name><pose>Unspecified</pose><truncated>0</truncated>",
            f"<difficult>{int(thing.difficult)}</difficult><bndbox>{corners}</bndbox></object>",
        ]
    lines.append("</annotation>\n")
    (folder / "Annotations" / f"{name}.xml").write_text("\n".join(lines), encoding="utf-8")


def write_image(path: Path, things: Sequence[Thing]) -> None:
    """Writes an image whose colour tells its first class."""
    column = CLASSES.index(things[0].name) if things and things[0].name in CLASSES else 0
    Image.new("RGB", (16, 12), (12 * column, 255 - 12 * column, 128)).save(path)
