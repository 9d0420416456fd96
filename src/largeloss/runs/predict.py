"""Scores and tags for images of the user's own, a batch at a time."""

import csv
import json
import os.path
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from largeloss.data.inputs.image_files import SUFFIXES, ImageFiles, decode_all
from largeloss.data.inputs.loader import Loader
from largeloss.data.inputs.source import Source
from largeloss.errors import DataError
from largeloss.files import written_atomically
from largeloss.labels import LabelTable
from largeloss.models import Classifier
from largeloss.training.engine import score_batches

_FORMULA = re.compile("[=+@\t\r\n-]")
_FIRST = 5  # predictions that are returned after writing


@dataclass(frozen=True)
class Prediction:
    """The scores of one image."""

    image: str
    scores: dict[str, float]
    """Class → probability."""
    tags: tuple[str, ...]
    """The classes above their thresholds, most probable first."""


@dataclass(frozen=True)
class Predictions:
    """Predictions for images; they are computed while you iterate, a batch at a time."""

    network: Classifier
    classes: tuple[str, ...]
    logit_thresholds: NDArray[np.float64]
    """(C,): a class is tagged where its logit lies above."""
    probabilities: Callable[[Tensor], Tensor]
    """(B, C) of logits (B, C)."""
    images: tuple[Path, ...]
    """Those that can be read."""
    skipped: dict[str, str]
    """Image → why it cannot be read."""
    image_size: int
    max_value: int | None = None
    batch_size: int = 64
    workers: int = 2
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Suffix → files in the folders given that are no images by their suffix."""

    def __len__(self) -> int:
        return len(self.images)

    def source(self) -> Source:
        """The inputs of the network, a row an image."""
        return ImageFiles(self.images, self.image_size, self.max_value)

    def __iter__(self) -> Iterator[Prediction]:
        num_images, device = len(self.images), next(self.network.parameters()).device
        blank = LabelTable.from_dense(
            np.full((num_images, len(self.classes)), -1, dtype=np.int8),
            images=[f"{path}" for path in self.images],
            classes=self.classes,
        )
        source = self.source()
        rows = np.arange(num_images, dtype=np.int64)
        loader = Loader(source, blank, rows, self.batch_size, workers=self.workers, device=device)
        for scores in score_batches(self.network, loader):
            probabilities = self.probabilities(scores.logits).numpy()
            tagged = scores.logits.double().numpy() > self.logit_thresholds
            for row, values, over in zip(scores.rows.tolist(), probabilities, tagged, strict=True):
                order = np.argsort(-values, kind="stable")
                yield Prediction(
                    str(self.images[row]),
                    dict(zip(self.classes, values.tolist(), strict=True)),
                    tuple(self.classes[column] for column in order if over[column]),
                )


def find_images(paths: Sequence[Path]) -> tuple[list[Path], dict[str, int]]:
    """The images among files and, by suffix, in folders and all that is below them; sorted.

    And how many files of other suffixes the folders have; those that begin with a dot do not count.

    Raises:
        DataError: a path does not exist, or there is no image at all.
    """
    found: list[Path] = []
    others: Counter[str] = Counter()
    for path in paths:
        if path.is_dir():
            below = [file for file in path.rglob("*") if os.path.isfile(file)]
            found += sorted(file for file in below if file.suffix.lower() in SUFFIXES)
            others.update(
                file.suffix.lower() or "no suffix"
                for file in below
                if file.suffix.lower() not in SUFFIXES and not file.name.startswith(".")
            )
        elif path.exists():
            found.append(path)
        else:
            raise DataError(f"{path} does not exist. Give images, or folders of images.")
    if not found:
        raise DataError(
            f"There are no images in {', '.join(map(str, paths))} "
            f"(looked for {', '.join(sorted(SUFFIXES))}).{passed_over(others)}"
        )
    return list(dict.fromkeys(found)), dict(others.most_common())


def passed_over(others: Mapping[str, int]) -> str:
    """A sentence that begins with a blank, on files that are no images by their suffix; or none."""
    if not others:
        return ""
    total = sum(others.values())
    files = "1 file of another suffix" if total == 1 else f"{total:,} files of other suffixes"
    listed = ", ".join(f"{number:,} {suffix}" for suffix, number in others.items())
    return f" Left out: {files} ({listed}). Convert what is an image to JPEG or PNG."


def spreadsheet_cell(text: str) -> str:
    """``text``, after an apostrophe where a spreadsheet would take it for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def readable_images(
    images: Sequence[Path],
    bad_images: str = "error",
    workers: int = 2,
    max_value: int | None = None,
) -> tuple[tuple[Path, ...], dict[str, str]]:
    """The images that can be decoded in full, and why the others cannot.

    They may only fail where ``bad_images`` is ``"skip"``. ``workers`` threads decode, as
    :func:`.open_pixels` with ``max_value``.

    Raises:
        DataError: images cannot be read, and are not to be left out; or none can.
    """
    broken = decode_all(images, workers, max_value=max_value).broken
    if broken and (bad_images != "skip" or len(broken) == len(images)):
        listed = "\n".join(f"  {text}" for text in list(broken.values())[:10])
        raise DataError(f"{len(broken)} of {len(images)} images cannot be read:\n{listed}")
    kept = tuple(path for position, path in enumerate(images) if position not in broken)
    return kept, {str(images[position]): text for position, text in broken.items()}


def write_predictions(predictions: Predictions, path: Path) -> list[Prediction]:
    """Writes a ``.csv`` or ``.json`` file; it appears when it is complete.

    CSV is for people: text that a spreadsheet would take for a formula (names that begin with
    ``=``, ``+``, ``-`` or ``@``) has an apostrophe before it. JSON has names as they are. Bytes of
    a file's name that are no UTF-8 are written as ``\\udcff``.

    Returns:
        The first predictions.
    """
    first: list[Prediction] = []
    with (
        written_atomically(path) as partial,
        partial.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file,
    ):
        if path.suffix == ".json":
            records = []
            for one in predictions:
                first += [one] * (len(first) < _FIRST)
                scores = {name: round(value, 6) for name, value in one.scores.items()}
                records.append({"image": one.image, "tags": list(one.tags), "scores": scores})
            json.dump(records, file, indent=2, ensure_ascii=False)
        else:
            writer = csv.writer(file)
            writer.writerow(["image", "tags", *map(spreadsheet_cell, predictions.classes)])
            for one in predictions:
                first += [one] * (len(first) < _FIRST)
                values = [round(value, 6) for value in one.scores.values()]
                texts = map(spreadsheet_cell, (one.image, ";".join(one.tags)))
                writer.writerow([*texts, *values])
    return first
