"""A run of any number of generated images that can be reviewed: for benchmarks of the review."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from largeloss.data.folder.read import write_features
from largeloss.labels import LabelTable, write_labels

CLASSES = 20
_CONTENTS = 500  # different images; more would only take longer to write


def make_run(root: Path, images: int) -> Path:
    """Images of 320 × 240 beside features that tell their classes, and a linear head on them.

    One label of each training image is given; 2,000 at most of the images are val and test.
    """
    run, data = root / "run", root / "data"
    if (run / "result.json").is_file():
        return run
    stream = np.random.default_rng(0)
    truth = (stream.random((images, CLASSES)) < 0.15).astype(np.int8)
    truth[np.arange(images), stream.integers(0, CLASSES, images)] = 1
    features = truth @ stream.normal(size=(CLASSES, 32)) + stream.normal(size=(images, 32))
    names = [f"images/{row // 1000:03d}/{row:06d}.jpg" for row in range(images)]
    for folder in {str(Path(name).parent) for name in names}:
        (data / folder).mkdir(parents=True, exist_ok=True)
    contents = [_image(stream) for _ in range(min(images, _CONTENTS))]
    for row, name in enumerate(names):
        (data / name).write_bytes(contents[row % len(contents)])
    held = min(images // 5, 1000)
    splits = ["val"] * held + ["test"] * held + ["train"] * (images - 2 * held)
    table = LabelTable.from_dense(truth, names, [f"class {k}" for k in range(CLASSES)])
    write_labels(data / "labels.parquet", table, splits=splits)
    write_features(data / "features.safetensors", torch.from_numpy(features).float(), names)
    words = ["train", data, "--method", "an", "--observe", "single-positive", "--epochs", "1"]
    words += ["--workers", "0", "--lr", "1e-2", "--batch-size", "256", "--out", run]
    subprocess.run([sys.executable, "-m", "largeloss", *map(str, words)], check=True)
    return run


def _image(stream: np.random.Generator) -> bytes:
    small = stream.integers(0, 256, (6, 8, 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(small).resize((320, 240)).save(file, "JPEG", quality=85)
    return file.getvalue()
