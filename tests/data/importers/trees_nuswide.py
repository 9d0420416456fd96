"""Miniature NUS-WIDE, as the official release unpacks, and as the arrays of Cole et al."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

CONCEPTS = ("airport", "animal", "beach", "toy")
Drawn = Mapping[str, Sequence[int]]
"""Path with slashes → concepts that are present, by their number from 0."""

EXAMPLE: Mapping[str, Drawn] = {
    "train": {
        "actor/0001_2124494179.jpg": [1],
        "actor/0002_174174086.jpg": [],
        "zebra/0003_2124494180.jpg": [0, 3],
        "actor/0003_2124494180.jpg": [2],
    },
    "test": {
        "adobehouses/0004_18.jpg": [],
        "adobehouses/0005_19.jpg": [0, 1, 2, 3],
        "zoos/0006_20.jpg": [3],
    },
}
"""Split → images."""


def write_nuswide(
    root: Path,
    splits: Mapping[str, Drawn] = EXAMPLE,
    *,
    concepts: Sequence[str] = CONCEPTS,
    with_images: bool = True,
) -> Path:
    """Writes the official lists to ``root`` and returns it; images (24 × 16) are in Flickr."""
    labels = root / "Groundtruth" / "TrainTestLabels"
    for folder in (labels, root / "ImageList", root / "ConceptsList", root / "Flickr"):
        folder.mkdir(parents=True)
    (root / "ConceptsList/Concepts81.txt").write_text("".join(f"{name}\n" for name in concepts))
    for split, images in splits.items():
        title = split.capitalize()
        listed = "".join(name.replace("/", "\\") + "\r\n" for name in images)
        (root / f"ImageList/{title}Imagelist.txt").write_bytes(listed.encode())
        for number, concept in enumerate(concepts):
            lines = [f"{int(number in present)}\n" for present in images.values()]
            (labels / f"Labels_{concept}_{title}.txt").write_text("".join(lines))
        if with_images:
            _write_images(root, images)
    return root


def write_nuswide_spml(
    root: Path,
    splits: Mapping[str, Drawn] = EXAMPLE,
    *,
    num_concepts: int = len(CONCEPTS),
    with_images: bool = True,
) -> Path:
    """Writes the four arrays to ``root`` and returns it; there is no list of concepts."""
    root.mkdir(parents=True, exist_ok=True)
    for split, phase in (("train", "train"), ("test", "val")):
        labels = np.zeros((len(splits[split]), num_concepts))
        for row, present in enumerate(splits[split].values()):
            labels[row, list(present)] = 1
        np.save(root / f"formatted_{phase}_images.npy", np.array(list(splits[split])))
        np.save(root / f"formatted_{phase}_labels.npy", labels)
        if with_images:
            _write_images(root, splits[split])
    return root


def _write_images(root: Path, images: Drawn) -> None:
    for number, name in enumerate(images):
        path = root / "Flickr" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (24, 16), (30, 31 * number % 256, 220)).save(path)
