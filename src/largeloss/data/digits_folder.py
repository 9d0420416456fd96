"""Digit scenes as a data folder such as a user's own: image files and ``labels.csv``."""

from pathlib import Path

from PIL import Image

from largeloss.data import digits
from largeloss.data.folder.write import new_folder
from largeloss.labels import LabelTable, write_labels

CLASSES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
"""In words: a column "1" of ones and zeros would be hard to read."""


def write_digits(
    out: Path, *, train: int = digits.SIZES["train"], observe: str | None = None
) -> LabelTable:
    """Writes ``out/images/*.png`` and ``out/labels.csv``, and gives the labels that are in it.

    Pixels, order and kept labels are those that a run on the digit scenes has under the same rule.

    Args:
        out: A new or empty folder; it appears when it is complete.
        train: Number of training scenes. Val has a sixth as many, test a third.
        observe: Which labels of the training scenes are kept, see :func:`largeloss.labels.observe`;
            None keeps all. Val and test are completely labelled.

    Raises:
        ConfigError: ``out`` is not free or cannot be written, or there is no such rule.
    """
    sizes = {"train": train, "val": max(1, train // 6), "test": max(1, train // 3)}
    with new_folder(out) as partial:
        scenes = digits.read(sizes=sizes)
        states = scenes.labels.to_dense()
        if observe is not None:
            rows = scenes.splits["train"]
            states[rows] = scenes.observed(observe).labels.lookup(rows)
        names = [f"images/{row:05d}.png" for row in range(len(states))]
        table = LabelTable.from_dense(states, classes=CLASSES, images=names)
        (partial / "images").mkdir()
        pixels = scenes.source.read(range(len(names)), [False] * len(names)).numpy()
        for name, gray in zip(names, pixels[:, 0], strict=True):
            Image.fromarray(gray).save(partial / name)
        splits = [split for split, number in sizes.items() for _ in range(number)]
        write_labels(partial / "labels.csv", table, splits=splits)
    return table
