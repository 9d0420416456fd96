"""Rebuilds voc-animals from the official Pascal VOC 2012.

    python benchmarks/make_voc_animals.py VOCdevkit/VOC2012 voc-animals

Takes every image of the official train and val lists in which a cat, cow, dog, horse or sheep is
present (difficult objects do not count), scales its longest side down to 256 pixels, and writes
labels.csv with the 20 classes; official val is called test.
"""

import csv
import sys
from pathlib import Path

from PIL import Image

ANIMALS = ("cat", "cow", "dog", "horse", "sheep")
SIDE = 256


def main(voc: Path, out: Path) -> None:
    """Writes ``out/labels.csv`` and ``out/images``."""
    lists = voc / "ImageSets" / "Main"
    classes = sorted(path.stem.removesuffix("_train") for path in lists.glob("*_train.txt"))
    (out / "images").mkdir(parents=True)
    with (out / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "split", *classes])
        for official, split in (("train", "train"), ("val", "test")):
            present = {name: _present(lists / f"{name}_{official}.txt") for name in classes}
            for photo in sorted(set().union(*(present[name] for name in ANIMALS))):
                scaled = Image.open(voc / "JPEGImages" / f"{photo}.jpg")
                scaled.thumbnail((SIDE, SIDE), Image.Resampling.BICUBIC)
                scaled.save(out / "images" / f"{photo}.jpg", quality=90)
                labels = (int(photo in present[name]) for name in classes)
                writer.writerow([f"images/{photo}.jpg", split, *labels])


def _present(path: Path) -> set[str]:
    lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    return {image for image, state in lines if state == "1"}


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
