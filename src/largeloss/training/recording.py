"""Records the loss of every entry, epoch by epoch, while training goes on.

In a run's folder ``recorded/``, n training images in the order of their rows, C classes:

* ``rows.npy`` (n,) int64: the images;
* ``losses-000.npy`` (n, C) float16, one file per epoch: the assume-negative loss of the training
  forward pass, ``softplus(-x)`` of observed positives and ``softplus(x)`` of all other entries;
* ``steps-000.npy`` (n,) int32: the step in which the image came;
* ``flagged-000.npy`` (K, 2) int32: positions (image, class) of the unobserved entries that the
  method did not take for absent in that epoch.

A file appears when its epoch is over; only one epoch of one file is ever in memory, mapped.
"""

from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from largeloss import distributed
from largeloss.data.dataset import Dataset
from largeloss.errors import CheckpointError
from largeloss.files import written_atomically
from largeloss.training.engine import Step


class Recorder:
    """Writes the files of one run; only the first process does, all must call it.

    Args:
        folder: Where they go, see :attr:`largeloss.training.run_folder.RunFolder.recorded`.
        rows: (n,) the training images, ascending.
        num_classes: C.
    """

    def __init__(self, folder: Path, rows: NDArray[np.int64], num_classes: int) -> None:
        self.folder, self.rows, self.num_classes = folder, rows, num_classes
        self._main = distributed.rank() == 0
        if self._main:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._write("rows.npy", rows)

    @classmethod
    def of(cls, folder: Path, data: Dataset) -> Self:
        """A recorder of the training images of ``data``."""
        return cls(folder, data.rows("train"), data.labels.num_classes)

    def begin(self, epoch: int, again: bool = False) -> None:
        """An epoch begins, or goes on ``again``, after :meth:`restore`."""
        self._epoch = epoch
        if not again:
            self._step = 0
            self._steps = np.full(len(self.rows), -1, dtype=np.int32)
            self._flagged: list[NDArray[np.int32]] = []
        if self._main:
            path = self.folder / "losses.partial"
            shape = (len(self.rows), self.num_classes)
            mode: Literal["r+", "w+"] = "r+" if again else "w+"
            finished = self.folder / f"losses-{epoch:03d}.npy"
            if again and finished.is_file():  # cut off after the epoch, before its checkpoint
                finished.replace(path)
            try:
                if not again:
                    path.unlink(missing_ok=True)
                self._losses = np.lib.format.open_memmap(path, mode, np.float16, shape)
            except (OSError, ValueError) as error:
                raise CheckpointError(
                    f"{path} cannot be continued ({error}). Train the run again, in another folder."
                ) from None
            if not again:
                self._losses[:] = np.nan

    def state(self) -> dict[str, Any]:
        """For a checkpoint within an epoch; the losses are on the disk already."""
        if self._main:
            self._losses.flush()
        flagged = np.concatenate([np.zeros((0, 2), dtype=np.int32), *self._flagged])
        steps, entries = torch.from_numpy(self._steps.copy()), torch.from_numpy(flagged)
        return {"step": self._step, "steps": steps, "flagged": entries}

    def restore(self, state: dict[str, Any]) -> None:
        """Restores what :meth:`state` gave."""
        self._step = state["step"]
        self._steps = state["steps"].numpy()
        self._flagged = [state["flagged"].numpy()]

    def add(self, step: Step, flagged: Tensor | None) -> None:
        """Adds a step: the losses of its logits, and its flagged entries (B, C); collective."""
        logits, labels = step.logits.float(), step.batch.labels
        losses = distributed.gather(F.softplus(torch.where(labels == 1, -logits, logits)))
        rows = distributed.gather(step.batch.rows.to(distributed.device())).cpu().numpy()
        entries = None if flagged is None else distributed.gather(flagged.to(torch.uint8))
        if self._main:
            places = np.searchsorted(self.rows, rows)
            self._losses[places] = losses.cpu().numpy().astype(np.float16)
            self._steps[places] = self._step
            if entries is not None:
                image, column = np.nonzero(entries.cpu().numpy())
                self._flagged.append(np.stack([places[image], column], axis=1).astype(np.int32))
        self._step += 1

    def end(self) -> None:
        """The epoch is over: its files take their names."""
        if not self._main:
            return
        self._losses.flush()
        del self._losses
        number = f"{self._epoch:03d}"
        none = np.zeros((0, 2), dtype=np.int32)
        self._write(f"steps-{number}.npy", self._steps)
        self._write(f"flagged-{number}.npy", np.concatenate([none, *self._flagged]))
        (self.folder / "losses.partial").replace(self.folder / f"losses-{number}.npy")

    def _write(self, name: str, array: NDArray[np.int32] | NDArray[np.int64]) -> None:
        with written_atomically(self.folder / name) as partial, partial.open("wb") as file:
            np.save(file, array)
