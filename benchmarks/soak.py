"""``make soak``: small trainings for half an hour in one process; nothing may grow.

Each round trains on image files with a worker process, recording and saving within epochs, then
scores and writes the report. Memory, open files, threads and child processes are noted after each.

    python benchmarks/soak.py [--minutes 30]
"""

import argparse
import contextlib
import gc
import io
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from largeloss.cli import run

WARMUP = 5
"""Rounds until everything is imported and every cache is filled."""


def write_images(folder: Path) -> None:
    """Forty of them, with two classes."""
    stream = np.random.default_rng(0)
    folder.mkdir()
    lines = ["image,split,red,blue"]
    for number in range(40):
        red, blue = stream.integers(0, 2, 2)
        pixels = stream.integers(0, 60, (40, 40, 3)).astype(np.uint8)
        pixels[:, :20, 0] += (180 * red).astype(np.uint8)
        pixels[:, 20:, 2] += (180 * blue).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.jpg")
        split = ("train", "train", "val", "test")[number % 4]
        lines.append(f"{number}.jpg,{split},{red},{blue}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")


def main() -> None:
    """Trains until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30)
    arguments = parser.parse_args()
    process = psutil.Process()
    noted: list[tuple[float, int, int, int]] = []
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as made:
        data = Path(made) / "data"
        write_images(data)
        while time.monotonic() - began < 60 * arguments.minutes or len(noted) < WARMUP + 10:
            out = Path(made) / "run"
            shutil.rmtree(out, ignore_errors=True)
            command = [
                "train", str(data), "--backbone", "digits", "--image-size", "24", "--epochs", "4",
                "--batch-size", "5", "--workers", "1", "--observe", "single-positive", "--method",
                ("ll-r", "ll-cp", "role", "curriculum", "imcl")[len(noted) % 5], "--record",
                "losses", "--checkpoint-every", "2", "--out", str(out),
            ]  # fmt: skip
            with (
                contextlib.redirect_stdout(io.StringIO()),
                contextlib.redirect_stderr(io.StringIO()),
            ):
                code = run(command)
            if code:
                sys.exit(f"round {len(noted)} ended with {code}")
            gc.collect()
            memory = process.memory_info().rss / 2**20
            children = len(process.children(recursive=True))
            noted.append((memory, process.num_fds(), process.num_threads(), children))
    kept = noted[WARMUP:]
    quarter = max(1, len(kept) // 4)
    ends = [
        [statistics.median(row[column] for row in part) for column in range(4)]
        for part in (kept[:quarter], kept[-quarter:])
    ]
    names = ("memory (MiB)", "open files", "threads", "child processes")
    minutes = (time.monotonic() - began) / 60
    print(f"{len(noted)} trainings of 4 epochs in {minutes:.0f} minutes.")
    for name, first, last in zip(names, *ends, strict=True):
        print(f"{name}: {first:.0f} in the first quarter, {last:.0f} in the last (medians)")
    grown = ends[1][0] > 1.05 * ends[0][0] or any(
        last > first for first, last in zip(ends[0][1:], ends[1][1:], strict=True)
    )
    print("Something grows." if grown else "Nothing grows.")
    sys.exit(grown)


if __name__ == "__main__":
    main()
