"""Digit scenes: images composed of real handwritten digits, which the demo trains on.

scikit-learn carries 1,797 scanned digits. They are divided 60/20/20 per class into pools before
any scene is composed, so no digit is seen in training and in test. A scene has one to four digits
of different classes, clutter cut out of other digits, and noise; its labels are complete.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from largeloss.data.dataset import Dataset, Rows
from largeloss.data.inputs.source import ImageArray
from largeloss.labels import LabelTable

SIZE = 48
SIZES = {"train": 3000, "val": 500, "test": 1000}
NUM_CLUTTER = 4
NOISE = 0.1
MAX_OVERLAP = 0.15
"""Share of a digit's box that may lie under the others' boxes."""

Gray = NDArray[np.float64]


def read(seed: int = 0, sizes: dict[str, int] | None = None) -> Dataset:
    """(N, 3, 48, 48) uint8 images with complete labels of the ten digits.

    ``seed`` decides the pools and every scene; ``sizes`` are numbers of scenes a split.
    """
    stream = np.random.default_rng(seed)
    pools = _pools(stream)
    images: list[Gray] = []
    labels: list[NDArray[np.int8]] = []
    splits: dict[str, Rows] = {}
    for split, num_scenes in (sizes or SIZES).items():
        first = len(images)
        for _ in range(num_scenes):
            image, present = _scene(pools[split], stream)
            images.append(image)
            labels.append(present)
        splits[split] = np.arange(first, first + num_scenes, dtype=np.int64)
    gray = np.clip(np.stack(images) * 255, 0, 255).round().astype(np.uint8)
    pixels = np.repeat(gray[:, None], 3, axis=1)
    table = LabelTable.from_dense(np.stack(labels), classes=[str(digit) for digit in range(10)])
    return Dataset("digit scenes", ImageArray(pixels), table, splits)


def _pools(stream: np.random.Generator) -> dict[str, list[list[Gray]]]:
    """Split → class → handwritten digits, 8×8 in [0, 1]."""
    from sklearn.datasets import load_digits  # slow to import

    scans = load_digits()
    pools: dict[str, list[list[Gray]]] = {name: [] for name in SIZES}
    for digit in range(10):
        members: Rows = stream.permutation(np.flatnonzero(scans.target == digit))
        cuts = (round(0.6 * len(members)), round(0.8 * len(members)))
        for name, part in zip(SIZES, np.split(members, cuts), strict=True):
            pools[name].append([scans.images[index] / 16 for index in part])
    return pools


def _scene(pool: list[list[Gray]], stream: np.random.Generator) -> tuple[Gray, NDArray[np.int8]]:
    """One image, (48, 48) with noise, and which digits are in it."""
    canvas = np.zeros((SIZE, SIZE))
    taken = np.zeros((SIZE, SIZE), dtype=bool)
    present = np.zeros(10, dtype=np.int8)
    for digit in stream.permutation(10)[: stream.integers(1, 5)]:
        members = pool[digit]
        side = int(stream.integers(14, 23))
        drawn = _enlarged(members[stream.integers(len(members))], side)
        place = _free_place(taken, side, stream)
        if place is None:
            continue
        top, left = place
        window = np.s_[top : top + side, left : left + side]
        canvas[window] = np.maximum(canvas[window], drawn * stream.uniform(0.7, 1))
        taken[window] = True
        present[digit] = 1
    for _ in range(NUM_CLUTTER):
        _add_clutter(canvas, pool, stream)
    return canvas + stream.normal(0, NOISE, canvas.shape), present


def _enlarged(digit: Gray, side: int) -> Gray:
    image = Image.fromarray((digit * 255).round().astype(np.uint8))
    return np.asarray(image.resize((side, side), Image.Resampling.BICUBIC)) / 255


def _free_place(
    taken: NDArray[np.bool_], side: int, stream: np.random.Generator
) -> tuple[int, int] | None:
    for _ in range(30):
        top, left = (int(value) for value in stream.integers(0, SIZE - side + 1, 2))
        if taken[top : top + side, left : left + side].mean() <= MAX_OVERLAP:
            return top, left
    return None


def _add_clutter(canvas: Gray, pool: list[list[Gray]], stream: np.random.Generator) -> None:
    """Draws a piece of some digit, too small to be read."""
    members = pool[stream.integers(10)]
    side = int(stream.integers(6, 10))
    whole = _enlarged(members[stream.integers(len(members))], 18)
    y, x = stream.integers(0, 18 - side + 1, 2)
    top, left = stream.integers(0, SIZE - side + 1, 2)
    window = np.s_[top : top + side, left : left + side]
    canvas[window] = np.maximum(canvas[window], whole[y : y + side, x : x + side] * 0.85)
