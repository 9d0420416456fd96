"""Time and memory of a training in the shape of OpenImages V3, from its lists to the groups' table.

    python benchmarks/openimages_training.py                # a tenth of the images, 5,000 classes
    python benchmarks/openimages_training.py --scale 0.01

Lists as ``make_openimages_shape.py`` writes them; the images are small, of noise, and few: one name
per image, each a hard link to one of them. Import, an epoch of warm-up and one of LL-R with a small
network, then the table by groups; each in a process of its own.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from openimages_shape import HERE, SIZES, measure
from PIL import Image
from pyarrow import csv

SIDE = 32
"""Of an image, in pixels."""
NAMES_A_IMAGE = 20_000
"""Links to one file; file systems allow some ten thousand."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints one line per step; the exit code is that of the first step that failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", type=float, default=0.1, help="share of the images")
    parser.add_argument("--folder", type=Path, help="where to work; default: a temporary folder")
    options = parser.parse_args(arguments)
    if not 0 < options.scale <= 1:
        parser.error("--scale must be above 0 and at most 1")
    sizes = {name: max(1, round(size * options.scale)) for name, size in SIZES.items()}
    sizes["silent"] = 0
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        root = Path(name)
        data, run = str(root / "data"), str(root / "run")
        given = [part for key, size in sizes.items() for part in (f"--{key}", str(size))]
        steps = {
            "generate": [str(HERE / "make_openimages_shape.py"), str(root / "lists"), *given],
            "import": ["-m", "largeloss", "data", "import", "openimages-v3", str(root / "lists"),
                       "--out", data],
            "train": ["-m", "largeloss", "train", data, "--method", "ll-r", "--delta-rel", "0.01",
                      "--backbone", "digits", "--image-size", str(SIDE), "--epochs", "2",
                      "--batch-size", "256", "--lr", "1e-3", "--out", run],
            "groups": ["-m", "largeloss", "evaluate", run, "--groups", "5"],
        }  # fmt: skip
        for title, command in steps.items():
            code, cost = measure([sys.executable, *command], root / f"{title}.log")
            if code:
                print((root / f"{title}.log").read_text()[-3000:], file=sys.stderr)
                return code
            print(f"{title:<9} {cost.seconds:7.1f} s  peak {cost.peak:5.2f} GiB", flush=True)
            if title == "generate":
                print(f"{link_images(root / 'lists'):,} images", flush=True)
        print((root / "groups.log").read_text())
    return 0


def link_images(lists: Path) -> int:
    """Gives every image of the lists an image; their number."""
    stream, linked, source = np.random.default_rng(0), 0, lists / "noise.jpg"
    for subset in ("train", "validation", "test"):
        table = csv.read_csv(lists / "2017_11" / subset / "images.csv")
        (lists / subset).mkdir()
        for image in table["ImageID"].to_pylist():
            if linked % NAMES_A_IMAGE == 0:
                source.unlink(missing_ok=True)
                pixels = stream.integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
                Image.fromarray(pixels).save(source)
            os.link(source, lists / subset / f"{image}.jpg")
            linked += 1
    return linked


if __name__ == "__main__":
    sys.exit(main())
