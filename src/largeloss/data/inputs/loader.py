"""Batches: inputs decoded by workers, labels looked up by row in the main process.

Order, mirroring and augmentation depend on (seed, epoch) alone: any number of workers or processes
gives the same batches. Each process takes a contiguous share of every batch.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Sampler
from torch.utils.data import Dataset as TorchDataset

from largeloss import distributed
from largeloss.data.dataset import Rows
from largeloss.data.inputs.augment import Strength, augmented
from largeloss.data.inputs.source import Source
from largeloss.errors import ConfigError, DataError, RunError
from largeloss.labels import LabelTable

Read = tuple[Tensor, Tensor] | DataError


class Plan(NamedTuple):
    """One process's share of a batch."""

    rows: list[int]
    flips: list[bool]
    """Which images are mirrored."""
    seeds: list[int]
    """Of the images' augmentation."""


class Batch(NamedTuple):
    """What the model is shown."""

    inputs: Tensor
    """(B, 3, H, W) uint8 images or (B, D) float features, on the device."""
    labels: Tensor
    """(B, C) int8, on the device."""
    rows: Tensor
    """(B,) int64, on the CPU."""


class _Plans(Sampler[Plan]):
    """This process's share of each batch of an epoch."""

    def __init__(self, rows: Rows, batch_size: int, seed: int | None, mirror: bool) -> None:
        self.rows, self.batch_size, self.seed, self.mirror = rows, batch_size, seed, mirror
        self.epoch = self.skipped = 0

    def __len__(self) -> int:
        return -(-len(self.rows) // self.batch_size)

    def __iter__(self) -> Iterator[Plan]:
        order, flips = self.rows, np.zeros(len(self.rows), dtype=bool)
        seeds = np.zeros(len(self.rows), dtype=np.int64)
        if self.seed is not None:
            stream = np.random.default_rng([self.seed, self.epoch])
            order = stream.permutation(self.rows)
            if self.mirror:
                flips = stream.random(len(order)) < 0.5
            seeds = np.random.default_rng([self.seed, self.epoch, 1]).integers(
                2**62, size=len(order)
            )
        rank, size = distributed.rank(), distributed.world_size()
        for start in range(self.skipped * self.batch_size, len(order), self.batch_size):
            mine: slice | NDArray[np.int64] = slice(start, start + self.batch_size)
            if size > 1:
                batch = np.arange(start, min(start + self.batch_size, len(order)))
                mine = np.array_split(batch, size)[rank]
            yield Plan(order[mine].tolist(), flips[mine].tolist(), seeds[mine].tolist())


class _Reads(TorchDataset[Read]):
    """A batch, or why it cannot be read: torch would pass on a worker's traceback as the text of
    the error."""

    def __init__(self, source: Source, augment: Strength) -> None:
        self.source, self.augment = source, augment

    def __getitem__(self, plan: Plan) -> Read:
        try:
            inputs = augmented(self.source.read(plan.rows, plan.flips), plan.seeds, self.augment)
            return inputs, torch.tensor(plan.rows, dtype=torch.int64)
        except DataError as error:
            return error


def check_last_batch(num_rows: int, batch_size: int) -> None:
    """Makes sure that each process has a share of every batch in training.

    Raises:
        ConfigError: the last batch has fewer images than there are processes.
    """
    short = num_rows % batch_size or batch_size
    if short < distributed.world_size():
        raise ConfigError(
            f"The last of the batches has {short} images for {distributed.world_size()} "
            f"processes, and none may be empty. Choose another batch size than {batch_size}."
        )


class Loader:
    """Batches of some rows of a data set.

    Args:
        source: The inputs.
        labels: One row an input.
        rows: Which to load.
        batch_size: Of the global batch, over all processes; the last may be smaller.
        seed: Shuffles, differently in each epoch; None keeps the order of ``rows``.
        mirror: Whether half of the images, drawn at random, are mirrored.
        augment: How images are changed at random, see :func:`.augmented`; only with a ``seed``.
        workers: Processes that decode images; none are used for inputs in memory.
        device: Where inputs and labels go.
    """

    def __init__(
        self,
        source: Source,
        labels: LabelTable,
        rows: Rows,
        batch_size: int,
        *,
        seed: int | None = None,
        mirror: bool = False,
        augment: Strength = "none",
        workers: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        if batch_size < 1:
            raise ConfigError(f"batch_size must be 1 or more, got {batch_size}.")
        if seed is not None:
            check_last_batch(len(rows), batch_size)
        self.labels, self.device = labels, torch.device(device)
        self.plans = _Plans(rows, batch_size, seed, mirror)
        self._reads = _Reads(source, augment)
        if source.in_memory and self.device.type == "cpu":  # nothing to decode, pin or send
            self._loader = None
            return
        num_workers = 0 if source.in_memory else workers
        self._loader = DataLoader(
            self._reads,
            sampler=self.plans,
            batch_size=None,
            num_workers=num_workers,
            persistent_workers=num_workers > 0,
            pin_memory=self.device.type == "cuda",
            generator=torch.Generator(),  # else it draws from the global stream once per process
        )

    def set_epoch(self, epoch: int, skipped: int = 0) -> None:
        """Chooses the order of the next pass, and how many batches of it were there already."""
        self.plans.epoch, self.plans.skipped = epoch, skipped

    def first(self, count: int) -> Tensor:
        """(B, …): the first inputs that this loader is of, ``count`` at most, on the device.

        Raises:
            DataError: an image cannot be read.
        """
        rows = self.plans.rows[:count].tolist()
        return self._reads.source.read(rows, [False] * len(rows)).to(self.device)

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        return len(self.plans)

    def __iter__(self) -> Iterator[Batch]:
        reads = map(self._reads.__getitem__, self.plans) if self._loader is None else self._loader
        for inputs, rows in _watched(reads):
            labels = torch.from_numpy(self.labels.lookup(rows.numpy()))
            yield Batch(
                inputs.to(self.device, non_blocking=True),
                labels.to(self.device, non_blocking=True),
                rows,
            )


def _watched(reads: Iterable[Read]) -> Iterator[tuple[Tensor, Tensor]]:
    """Passes on what is read.

    Raises:
        DataError: an image cannot be read.
        RunError: as of :func:`worker_errors`.
    """
    with worker_errors():
        for read in reads:
            if isinstance(read, DataError):
                raise read
            yield read


@contextmanager
def worker_errors() -> Iterator[None]:
    """Within it, the death of a process that decodes images is told as such.

    Raises:
        RunError: a process that decodes images is dead.
    """
    try:
        yield
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise RunError(
            f"A process that decodes images has died ({str(error).splitlines()[0]}). Where "
            "memory is short, choose fewer --workers; then continue with --resume."
        ) from None
