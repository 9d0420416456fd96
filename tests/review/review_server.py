"""A small run to review, with names that are no friends of HTML, and its server."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from largeloss.cli import run

HOSTILE_CLASS = "<img src=x onerror=window.owned=1>"
HOSTILE_IMAGE = "images/a \"b\" '<i>c'\nd.png"
CLASSES = ("dog", HOSTILE_CLASS, "sofa")
NUM_TRAIN = 60


def write_run(root: Path) -> Path:
    """Sixty training images with one of three tags each: forty entries of each are unobserved."""
    stream = np.random.default_rng(0)
    (root / "images").mkdir(parents=True)
    rows = []
    for row in range(NUM_TRAIN + 12):
        name = HOSTILE_IMAGE if row == 0 else f"images/{row:03d}.png"
        shape = (48, 64, 3) if row % 4 else (64, 40, 3)
        pixels = stream.integers(60, 250, 3) + stream.integers(-40, 5, shape)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(root / name)
        train = row < NUM_TRAIN
        states = [1 if column == row % 3 else None if train else 0 for column in range(3)]
        split = "train" if train else ("val", "test")[row // 3 % 2]
        rows.append({"image": name, "split": split, **dict(zip(CLASSES, states, strict=True))})
    pq.write_table(pa.Table.from_pylist(rows), root / "labels.parquet")
    out = root.parent / f"{root.name}-run"
    code = run(
        [
            "train", str(root), "--method", "an", "--backbone", "digits", "--image-size", "16",
            "--epochs", "1", "--batch-size", "20", "--workers", "0", "--set",
            "training.stop_below=null", "--out", str(out),
        ]
    )  # fmt: skip
    assert code == 0
    return out


class Server:
    """``largeloss review`` in a process of its own, always on the same port."""

    def __init__(self, run: Path) -> None:
        self.run = run
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.words = ["review", str(run), "--port", str(self.port)]
        self.start()

    def start(self) -> None:
        """Returns when it answers."""
        self.begin()
        deadline = time.monotonic() + 100
        while True:
            try:
                urllib.request.urlopen(self.address, timeout=10).close()
            except OSError:
                assert self.runs()
                assert time.monotonic() < deadline
                time.sleep(0.05)
            else:
                return

    def begin(self) -> None:
        """Starts the process."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "largeloss", *self.words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )

    def runs(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def kill(self) -> None:
        """At once, without a word."""
        self._process.kill()
        self._process.wait()
