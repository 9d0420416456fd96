"""Reads what :mod:`largeloss.training.recording` wrote; and what an entry is."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from largeloss.errors import ConfigError, RunError
from largeloss.training.run_folder import RunFolder

KINDS = ("TP", "TN", "FN")
"""Observed positives; unobserved and truly absent; unobserved and truly present."""
_CHUNK = 8_000_000  # entries of all epochs that are in memory at once


@dataclass(frozen=True)
class Recorded:
    """A run's recorded losses."""

    folder: Path
    rows: NDArray[np.int64]
    """(n,): the training images."""
    num_epochs: int

    @classmethod
    def of(cls, run: Path) -> "Recorded":
        """The recording of a run.

        Raises:
            ConfigError: the run was not recorded, or no epoch is finished.
            RunError: its files cannot be read, or are not as they were written.
        """
        whole = RunFolder(run)
        folder = whole.recorded
        epochs = len(list(folder.glob("losses-[0-9][0-9][0-9].npy")))
        if not epochs:
            raise ConfigError(
                f"{run} has no recorded losses. Train it anew, in another folder, with "
                "--record losses."
            )
        for path in sorted(folder.glob("*.npy")):
            whole.check(path)
        recorded = cls(folder, _load(folder / "rows.npy"), epochs)
        for epoch in range(epochs):
            recorded.losses(epoch)
        return recorded

    def losses(self, epoch: int) -> NDArray[np.float16]:
        """(n, C), mapped: the assume-negative loss of every entry in the training pass."""
        values = _load(self.folder / f"losses-{epoch:03d}.npy")
        if values.ndim != 2 or len(values) != len(self.rows):
            raise RunError(
                f"{self.folder / f'losses-{epoch:03d}.npy'} has the shape {values.shape}, but "
                f"{len(self.rows)} images were recorded. It belongs to another run."
            )
        return values

    def steps(self, epoch: int) -> NDArray[np.int32]:
        """(n,): the step in which each image came."""
        return np.asarray(_load(self.folder / f"steps-{epoch:03d}.npy"))

    def flagged(self, epoch: int) -> NDArray[np.int32]:
        """(K, 2): positions (image, class) that the method did not take for absent."""
        return np.asarray(_load(self.folder / f"flagged-{epoch:03d}.npy"))

    @property
    def any_flagged(self) -> bool:
        """Whether anything was flagged in the last epoch."""
        return bool(self.flagged(self.num_epochs - 1).size)

    def chunks(self) -> Iterator[tuple[slice, NDArray[np.float16]]]:
        """Positions, and (E, m, C) losses of these images in all epochs, a few at a time."""
        epochs = [self.losses(epoch) for epoch in range(self.num_epochs)]
        num_classes = epochs[0].shape[1]
        length = max(1, _CHUNK // (self.num_epochs * max(1, num_classes)))
        for start in range(0, len(self.rows), length):
            part = slice(start, min(start + length, len(self.rows)))
            yield part, np.stack([losses[part] for losses in epochs])


def kinds(training: NDArray[np.int8], reference: NDArray[np.int8]) -> NDArray[np.int8]:
    """(n, C) int8: positions in :data:`KINDS`, -1 for what is none of them.

    Observed negatives are none, nor are unobserved entries whose truth is not known.
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
        raise RunError(f"{path} cannot be read ({error}). Train the run anew.") from None
    return values
