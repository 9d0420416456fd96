"""What is read before training: label files that are wide or long, and a look at every picture."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from measure import Line, interleaved, seconds
from PIL import Image
from pyarrow import csv as arrow_csv

from largeloss.data.inputs.image_files import decode_all
from largeloss.data.stratify import usual_split
from largeloss.labels import LabelTable, read_labels

WIDE = (100, 100_000)
LONG = (2_000_000, 50)
SPLIT = (200_000, 50)
NUM_PICTURES = 100_000
SIDE = 32


def lines() -> Iterator[Line]:
    """Tables, a split, then pictures; nothing is promised yet."""
    with tempfile.TemporaryDirectory() as folder:
        yield _table(Path(folder), "a wide label file", *WIDE, observed=0.001)
        yield _table(Path(folder), "a long label file", *LONG, observed=1)
        yield _split()
        yield _pictures(Path(folder))


def _table(folder: Path, row: str, images: int, classes: int, observed: float) -> Line:
    path = folder / "labels.csv"
    stream = np.random.default_rng(0)
    with path.open("w", encoding="utf-8") as file:
        file.write(f"image,split,{','.join(f'class {number}' for number in range(classes))}\n")
        for number in range(images):
            cells = stream.integers(0, 2, classes).astype("U1")
            cells[stream.random(classes) >= observed] = ""
            file.write(f"{number}.png,train,{','.join(cells)}\n")
    names = [str(number) for number in range(classes + 2)]
    options = {
        "read_options": arrow_csv.ReadOptions(column_names=names, skip_rows=1, block_size=1 << 24),
        "convert_options": arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
    }
    ways = {
        "Arrow alone, as text": lambda: arrow_csv.read_csv(path, **options),
        "ours": lambda: read_labels(path),
    }
    sampled = interleaved(ways, rounds=3)
    return Line(
        row,
        f"{images:,} × {classes:,}, {path.stat().st_size / 1e6:.0f} MB",
        f"{sampled['ours'].median:.1f} s",
        "",
        True,
        seconds(sampled),
    )


def _split() -> Line:
    images, classes = SPLIT
    states = np.random.default_rng(0).random((images, classes)) < 0.05
    table = LabelTable.from_dense(states.astype(np.int8))
    sampled = interleaved({"ours": lambda: usual_split(table)}, rounds=3)
    each = sampled["ours"].median / images * 1e6
    return Line(
        "a stratified split, none given",
        f"{images:,} × {classes:,}, complete",
        f"{each:.0f} µs an image",
        "",
        True,
        seconds(sampled),
    )


def _pictures(folder: Path) -> Line:
    stream = np.random.default_rng(0)
    paths = []
    for number in range(NUM_PICTURES):
        paths.append(folder / f"{number}.jpg")
        pixels = stream.integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(paths[-1])

    def plain() -> None:
        for path in paths:
            with Image.open(path) as image:
                image.convert("RGB")

    ways = {"Pillow, one by one": plain, "ours, 2 threads": lambda: decode_all(paths, 2)}
    sampled = interleaved(ways, rounds=3)
    each = sampled["ours, 2 threads"].median / NUM_PICTURES * 1e6
    return Line(
        "a look at every picture",
        f"{NUM_PICTURES:,} JPEG of {SIDE} px",
        f"{each:.0f} µs a picture",
        "",
        True,
        seconds(sampled),
    )
