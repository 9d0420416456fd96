"""Reads the files of :mod:`largeloss.training.recording`, and sorts entries into kinds."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from largeloss.errors import ConfigError, RunError
from largeloss.training.run_folder import RunFolder

KINDS = ("TP", "TN", "FN")
"""True positives: observed as present. True negatives: unobserved and truly absent. False
negatives: unobserved and truly present, the missing tags."""
_CHUNK = 8_000_000  # losses in memory at once, of all epochs together


@dataclass(frozen=True)
class RecordedLosses:
    """Losses and flagged entries that a run recorded, epoch by epoch."""

    folder: Path
    rows: NDArray[np.int64]
    """(n,): rows of the training images in the label table."""
    num_epochs: int

    @classmethod
    def read(cls, run: Path) -> "RecordedLosses":
        """Opens and verifies the recorded files of a run.

        Raises:
            ConfigError: the run was not recorded, or no epoch is finished.
            RunError: a file cannot be read, or has changed since it was written.
        """
        run_folder = RunFolder(run)
        folder = run_folder.recorded
        epochs = len(list(folder.glob("losses-[0-9][0-9][0-9].npy")))
        if not epochs:
            raise ConfigError(
                f"{run} has no recorded losses. Train again with --record losses, in another "
                "folder."
            )
        for path in sorted(folder.glob("*.npy")):
            run_folder.check(path)
        recorded = cls(folder, _load(folder / "rows.npy"), epochs)
        for epoch in range(epochs):
            recorded.losses(epoch)
        return recorded

    def losses(self, epoch: int) -> NDArray[np.float16]:
        """(n, C), memory-mapped: assume-negative loss (nats) of every entry in training."""
        path = self.folder / f"losses-{epoch:03d}.npy"
        values = _load(path)
        if values.ndim != 2 or len(values) != len(self.rows):
            raise RunError(
                f"{path} has the shape {values.shape}, but {len(self.rows)} images were recorded. "
                "It belongs to another run."
            )
        return values

    def steps(self, epoch: int) -> NDArray[np.int32]:
        """(n,): the training step that each image was part of."""
        return np.asarray(_load(self.folder / f"steps-{epoch:03d}.npy"))

    def flagged(self, epoch: int) -> NDArray[np.int32]:
        """(K, 2): positions (image, class) of the entries that the method rejected or corrected."""
        return np.asarray(_load(self.folder / f"flagged-{epoch:03d}.npy"))

    def chunks(self) -> Iterator[tuple[slice, NDArray[np.float16]]]:
        """Slices of the images, and the (E, m, C) losses of each slice in all E epochs."""
        epochs = [self.losses(epoch) for epoch in range(self.num_epochs)]
        num_classes = epochs[0].shape[1]
        length = max(1, _CHUNK // (self.num_epochs * max(1, num_classes)))
        for start in range(0, len(self.rows), length):
            part = slice(start, min(start + length, len(self.rows)))
            yield part, np.stack([losses[part] for losses in epochs])


def kinds(training: NDArray[np.int8], reference: NDArray[np.int8]) -> NDArray[np.int8]:
    """(n, C) int8: position in :data:`KINDS`, or -1 for entries of no kind.

    Of no kind are observed negatives, and unobserved entries whose truth is not known.
    """
    found = np.full(training.shape, -1, dtype=np.int8)
    found[training == 1] = 0
    found[(training < 0) & (reference == 0)] = 1
    found[(training < 0) & (reference == 1)] = 2
    return found


def _load(path: Path) -> NDArray[Any]:
    try:
        values: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise RunError(
            f"{path} cannot be read ({error}). Train again, in another folder."
        ) from None
    return values
