"""What is reviewed: the unobserved entries of each class, ranked once and kept on disk.

The ranking is that of :mod:`largeloss.runs.suggestions`, mapped into memory from ``RUN/review``. It
is computed again when the weights or the labels have changed.
"""

from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from largeloss.config import RunConfig
from largeloss.errors import LargelossError, RunError
from largeloss.files import (
    checksummed_json,
    digest,
    read_text,
    verified_json,
    write_text,
    written_atomically,
)
from largeloss.runs.data import RunData, load_data
from largeloss.runs.suggestions import Suggestions, missing_and_wrong
from largeloss.training.run_folder import RunFolder
from largeloss.training.weights import WEIGHTS

_RULE = "queue 1"  # changes when what is kept changes
_ENTRY = np.dtype([("row", "<i8"), ("by_row", "<i8"), ("score", "<f4")])
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Queue:
    """K entries, class by class, the most likely missing tags first.

    Nothing that is asked of it takes longer for more images, but for the logarithm.
    """

    rows: Ints
    """(K,): of the label table, by class and rank."""
    by_row: Ints
    """(K,): the places within each class, in the order of their rows."""
    scores: NDArray[np.float32]
    """(K,): as the suggestions'."""
    offsets: Ints
    """(C + 1,): where each class begins."""
    train: Ints
    """(N,): the training images that can be read, sorted."""
    fingerprint: str
    """Of the weights and labels that it was computed from."""

    def size(self, column: int) -> int:
        """How many entries of a class there are."""
        return int(self.offsets[column + 1] - self.offsets[column])

    def row(self, column: int, place: int) -> int:
        """The row at a place, from 0 on."""
        return int(self.rows[self.offsets[column] + place])

    def score(self, column: int, place: int) -> float:
        """The score at a place."""
        return float(self.scores[self.offsets[column] + place])

    def place(self, column: int, row: int) -> int | None:
        """Where a row stands among those of a class; None where it does not."""
        begin, size = int(self.offsets[column]), self.size(column)

        def at(number: int) -> int:
            return self.row(column, int(self.by_row[begin + number]))

        found = bisect_left(range(size), row, key=at)
        return int(self.by_row[begin + found]) if found < size and at(found) == row else None


def open_queue(folder: Path, run: Path, settings: RunConfig, data: RunData) -> Queue:
    """The queue of a run, as it is kept in ``folder``, or ranked now and kept there.

    Raises:
        RunError: it cannot be written; and as :func:`missing_and_wrong`.
    """
    weights = RunFolder(run).best / WEIGHTS
    fingerprint = f"{_RULE} {digest(weights)} {data.training.fingerprint}"
    if (kept := _kept(folder, fingerprint)) is not None:
        return kept
    if settings.data.bad_images == "skip":
        data = load_data(settings)  # which images can be read
    rows = data.training.rows("train")
    found, _ = missing_and_wrong(run, data)
    return _keep(folder, found, rows, len(data.training.labels.classes), fingerprint)


def _keep(folder: Path, found: Suggestions, train: Ints, classes: int, fingerprint: str) -> Queue:
    order = np.argsort(found.columns, kind="stable")
    sizes = np.bincount(found.columns, minlength=classes)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    entries = np.empty(len(found), _ENTRY)
    entries["row"], entries["score"] = found.rows[order], found.scores[order]
    places = np.lexsort((entries["row"], found.columns[order]))
    entries["by_row"] = places - np.repeat(offsets[:-1], sizes)
    arrays = {"queue.npy": entries, "images.npy": train.astype("<i8")}
    for name, array in arrays.items():
        with written_atomically(folder / name) as partial, partial.open("wb") as file:
            np.save(file, array)
    content = {
        "fingerprint": fingerprint,
        "sizes": sizes.tolist(),
        "sha256_of": {name: digest(folder / name) for name in arrays},
    }
    write_text(folder / "queue.json", checksummed_json(content))
    kept = _kept(folder, fingerprint)
    if kept is None:
        raise RunError(f"{folder / 'queue.npy'} could not be read back after it was written.")
    return kept


def _kept(folder: Path, fingerprint: str) -> Queue | None:
    """None where there is none, or what is there is damaged or of other weights or labels."""
    try:
        content = verified_json(read_text(folder / "queue.json"))
        if content["fingerprint"] != fingerprint:
            return None
        for name, kept in content["sha256_of"].items():
            if digest(folder / Path(name).name) != kept:
                return None
        entries = np.load(folder / "queue.npy", mmap_mode="r", allow_pickle=False)
        train = np.load(folder / "images.npy", allow_pickle=False)
        offsets = np.concatenate([[0], np.cumsum(content["sizes"])]).astype(np.int64)
        if entries.dtype != _ENTRY or offsets[-1] != len(entries):
            return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, LargelossError):
        return None
    return Queue(entries["row"], entries["by_row"], entries["score"], offsets, train, fingerprint)
