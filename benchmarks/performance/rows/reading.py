"""What is read before training: label files that are wide or long, and a look at every picture."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
from measure import Line, interleaved, seconds
from PIL import Image
from pyarrow import csv as arrow_csv

from largeloss.data.inputs.decode_record import DecodeRecord
from largeloss.data.inputs.image_files import decode_all
from largeloss.data.inputs.threads import cores
from largeloss.data.stratify import usual_split
from largeloss.labels import LabelTable, read_labels

WIDE = (100, 100_000)
LONG = (2_000_000, 50)
SPLIT = (200_000, 50)
NUM_PICTURES = 100_000
SIDE = 32


def lines() -> Iterator[Line]:
    """Tables, a split, then pictures."""
    with tempfile.TemporaryDirectory() as folder:
        yield _columns(Path(folder))
        yield _lines(Path(folder))
        yield _split()
        yield _pictures(Path(folder))


def _columns(folder: Path) -> Line:
    """A table of many classes, and one of a quarter of them: is time linear in their number?"""
    images, classes = WIDE
    whole = _written(folder / "whole.csv", images, classes, observed=0.001)
    part = _written(folder / "part.csv", images, classes // 4, observed=0.001)
    ways = {
        "Arrow alone, as text": lambda: _arrow(whole),
        "ours": lambda: read_labels(whole),
        "ours, a quarter of the columns": lambda: read_labels(part),
    }
    sampled = interleaved(ways, rounds=3)
    ratio = sampled["ours"].median / sampled["ours, a quarter of the columns"].median
    return Line(
        "a label file of many classes",
        f"{images:,} × {classes:,}, {whole.stat().st_size / 1e6:.0f} MB",
        f"{ratio:.1f}× a quarter of it",
        "≤ 4.5×",
        ratio <= 4.5,
        seconds(sampled),
    )


def _lines(folder: Path) -> Line:
    """Of a process of its own, the time of all its threads and the most memory."""
    path = _written(folder / "lines.csv", *LONG, observed=1)
    read = "from largeloss.labels import read_labels; read_labels(path)"
    used, memory = _process(read, path)
    arrow, _ = _process("from pyarrow import csv; csv.read_csv(path)", path)
    return Line(
        "a label file of many images",
        f"{LONG[0]:,} × {LONG[1]}, {path.stat().st_size / 1e6:.0f} MB",
        f"{used:.1f} s of CPU, {memory / 1e9:.2f} GB",
        "≤ 8 s, ≤ 1 GB",
        used <= 8 and memory <= 1e9,
        {"ours": (used, 0.0), "Arrow alone": (arrow, 0.0)},
    )


def _process(program: str, path: Path) -> tuple[float, int]:
    """Seconds of CPU and bytes that ``program`` takes in a new process, its imports included."""
    # VmHWM is of this program; the maximum of getrusage begins with what its parent had
    told = (
        "import sys, time; path = sys.argv[1]; " + program + "; "
        "status = dict(line.split(':', 1) for line in open('/proc/self/status')); "
        "print(time.process_time(), int(status['VmHWM'].split()[0]) * 1024)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", told, str(path)], capture_output=True, text=True, check=True
    )
    used, memory = ended.stdout.split()
    return float(used), int(memory)


def _written(path: Path, images: int, classes: int, observed: float) -> Path:
    stream = np.random.default_rng(0)
    with path.open("w", encoding="utf-8") as file:
        file.write(f"image,split,{','.join(f'class {number}' for number in range(classes))}\n")
        for number in range(images):
            cells = stream.integers(0, 2, classes).astype("U1")
            cells[stream.random(classes) >= observed] = ""
            file.write(f"{number}.png,train,{','.join(cells)}\n")
    return path


def _arrow(path: Path) -> None:
    with path.open(encoding="utf-8") as file:
        names = [str(number) for number in range(file.readline().count(",") + 1)]
    arrow_csv.read_csv(
        path,
        read_options=arrow_csv.ReadOptions(column_names=names, skip_rows=1, block_size=1 << 24),
        convert_options=arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
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
        f"{each:.0f} µs per image",
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

    def plain(path: Path) -> None:
        with Image.open(path) as image:
            image.convert("RGB")

    def one_by_one() -> None:
        for path in paths:
            plain(path)

    def threads() -> None:
        with ThreadPoolExecutor(cores()) as pool:
            for _ in pool.map(plain, paths, chunksize=64):
                pass

    record = DecodeRecord.of(folder / "cache", folder, None)
    ways = {
        "Pillow alone, one by one": one_by_one,
        "Pillow alone, one thread per core": threads,
        "ours": lambda: decode_all(paths),
        "ours, unchanged": lambda: decode_all(paths, record=record),
    }
    sampled = interleaved(ways, rounds=3)
    decoding = min(sampled[way].median for way in list(ways)[:2])
    ratio = sampled["ours"].median / decoding
    return Line(
        "a look at every image",
        f"{NUM_PICTURES:,} JPEG of {SIDE} px",
        f"{ratio:.2f}× decoding; again {sampled['ours, unchanged'].median:.1f} s",
        "≤ 1.3×, then seconds",
        ratio <= 1.3 and sampled["ours, unchanged"].median < 10,
        seconds(sampled),
    )
