"""``predict`` at scale: images per second beside decoding alone, memory of a million paths.

    LARGELOSS_DATA=… python benchmarks/prediction.py        # make bench-predict

Rates are of photographs (links to those of ``photos/``), in turn in one process; memory is the peak
of a process of its own. ``--paths 10000000`` takes a longer list.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from largeloss.models import build_classifier
from largeloss.runs.load import TrainedClassifier
from largeloss.runs.predict.path_list import PathList
from largeloss.runs.predict.predictions import Predictions
from largeloss.runs.predict.sources import find_images
from largeloss.runs.predict.writing import write_predictions

CLASSES = 20
ROUNDS = 5


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photographs", type=int, default=512)
    parser.add_argument("--paths", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--child", nargs=2, metavar=("WHAT", "PATH"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        what, path = given.child
        {"list": read_list, "nothing": read_nothing, "score": score}[what](Path(path))
        return
    with tempfile.TemporaryDirectory() as folder:
        rates(Path(folder), given.photographs, given.workers)
        memory(Path(folder), given.paths)


def rates(folder: Path, number: int, workers: int) -> None:
    """Images per second of ``predict``, and of its decoding alone."""
    root = os.environ.get("LARGELOSS_DATA")
    if not root:
        print("Rates are not measured: LARGELOSS_DATA is not set.")
        return
    photographs = sorted((Path(root) / "photos").glob("**/*.jpg"))
    (folder / "photographs").mkdir()
    for place in range(number):
        link = folder / "photographs" / f"{place:06d}.jpg"
        link.symlink_to(photographs[place % len(photographs)].resolve())
    for backbone, size in (("digits", 64), ("mobilenetv2_100", 128)):
        model = untrained(backbone, size)
        predictions = model.predict(folder / "photographs", workers=workers)
        ways: dict[str, Callable[[], object]] = {
            "decoding": partial(decode, predictions),
            "predict": partial(write_predictions, predictions, folder / "s.parquet"),
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, work in ways.items():
                begun = time.perf_counter()
                work()
                seconds[name].append(time.perf_counter() - begun)
        rate = {name: number / statistics.median(times) for name, times in seconds.items()}
        print(
            f"{backbone}, {size} px, {number} photographs, {workers} workers: predict "
            f"{rate['predict']:.0f} images per second, decoding alone {rate['decoding']:.0f} "
            f"({rate['predict'] / rate['decoding']:.0%})",
            flush=True,
        )


def decode(predictions: Predictions) -> None:
    """All images, by the same workers, to batches that nobody scores."""
    for _ in predictions.reads(range(len(predictions))):
        pass


def untrained(backbone: str, size: int) -> TrainedClassifier:
    """A model with random weights."""
    shape = (3, size, size)
    network = build_classifier(backbone, CLASSES, shape)
    classes = [f"class {number}" for number in range(CLASSES)]
    return TrainedClassifier(
        network, {"classes": classes, "architecture": {"sample_shape": list(shape)}}
    )


def memory(folder: Path, number: int) -> None:
    """Of a list of paths, and of scoring few and many images."""
    path = folder / "list.txt"
    with path.open("w") as file:
        file.writelines(
            f"/data/collection-{place % 7}/2026/folder-{place // 1000:06d}/image-{place:09d}.jpg\n"
            for place in range(number)
        )
    length = path.stat().st_size / number
    nothing = child("nothing", path)
    peak, seconds = child("list", path)
    print(
        f"a list of {number:,} paths of {length:.0f} bytes: {peak - nothing[0]:.0f} MB above the "
        f"{nothing[0]:.0f} MB of the libraries, {1e6 * (peak - nothing[0]) / number:.0f} bytes a "
        f"path, read in {seconds:.1f} s",
        flush=True,
    )
    pixels = np.random.default_rng(0).integers(0, 255, (24, 24, 3)).astype(np.uint8)
    for images in (2_000, 40_000):
        tiny = folder / f"tiny-{images}"
        tiny.mkdir()
        for place in range(images):
            if place % 10_000 == 0:  # file systems limit the names of one file
                Image.fromarray(pixels).save(tiny / f"{place:06d}.png")
            else:
                os.link(tiny / f"{place - place % 10_000:06d}.png", tiny / f"{place:06d}.png")
        peak, seconds = child("score", tiny)
        print(f"{images:,} images scored: peak {peak:.0f} MB, {seconds:.0f} s", flush=True)


def child(what: str, path: Path) -> tuple[float, float]:
    """Peak of the memory in MB, and seconds, of a process of its own."""
    begun = time.perf_counter()
    command = [sys.executable, __file__, "--child", what, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    peak, seconds = map(float, done.stdout.split()[-2:])
    return peak, seconds or time.perf_counter() - begun


def report(begun: float) -> None:
    """Printed by a child."""
    (line,) = re.findall(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    print(int(line) * 1024 / 1e6, time.perf_counter() - begun)


def read_nothing(path: Path) -> None:
    """What the libraries take."""
    report(time.perf_counter())


def read_list(path: Path) -> None:
    """The paths of a list."""
    begun = time.perf_counter()
    found = find_images([], [path])
    assert isinstance(found.paths, PathList)
    report(begun)


def score(folder: Path) -> None:
    """All images of a folder, with a small network."""
    torch.set_num_threads(1)
    begun = time.perf_counter()
    predictions = untrained("digits", 16).predict(folder)
    write_predictions(predictions, folder.parent / "scores.parquet")
    report(begun)


if __name__ == "__main__":
    main()
