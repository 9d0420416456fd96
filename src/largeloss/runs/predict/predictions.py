"""Scores and tags for images, a batch at a time."""

import hashlib
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from largeloss import distributed
from largeloss.data.inputs.image_files import ImageFiles
from largeloss.data.inputs.loader import worker_errors
from largeloss.errors import DataError, RunError
from largeloss.forward import Forward, choose
from largeloss.forward.choice import SAMPLE
from largeloss.models import Classifier
from largeloss.runs.predict.lists import STDIN
from largeloss.training.engine import check_finite, naming_images
from largeloss.watch import watched

_LISTED = 10  # images that cannot be read, in a message


@dataclass(frozen=True)
class Prediction:
    """The scores of one image."""

    image: str
    scores: dict[str, float]
    """Class → probability."""
    tags: tuple[str, ...]
    """The classes above their thresholds, most probable first."""


class ScoredBatch(NamedTuple):
    """Images that were scored together."""

    images: list[str]
    """Those of the batch that could be read, B of them."""
    scores: NDArray[np.float64]
    """(B, C) probabilities."""
    tagged: NDArray[np.bool_]
    """(B, C)."""
    skipped: dict[str, str]
    """Image → why it cannot be read."""

    def tags(self, classes: Sequence[str]) -> list[tuple[str, ...]]:
        """Of each image the classes above their thresholds, most probable first."""
        order = np.argsort(-self.scores, axis=1, kind="stable")
        over = np.take_along_axis(self.tagged, order, axis=1)
        return [
            tuple(classes[column] for column in columns[flags].tolist())
            for columns, flags in zip(order, over, strict=True)
        ]

    def to_arrow(self, classes: Sequence[str], digits: int = 8) -> pa.Table:
        """One row per image, see :func:`columns_of`; probabilities have so many ``digits``."""
        columns = [pa.array(map(plain, self.images), pa.string())]
        columns += [pa.array(self.tags(classes), pa.list_(pa.string()))]
        columns += map(pa.array, self.scores.round(digits).astype(np.float32).T)
        return pa.Table.from_arrays(columns, schema=columns_of(classes))

    def predictions(self, classes: Sequence[str]) -> Iterator[Prediction]:
        """One an image."""
        lines = zip(self.images, self.scores.tolist(), self.tags(classes), strict=True)
        for image, values, tags in lines:
            yield Prediction(image, dict(zip(classes, values, strict=True)), tags)


class Readable(Protocol):
    """Inputs of which some may be damaged, read by row."""

    def read_readable(self, rows: Sequence[int]) -> tuple[Tensor, dict[int, str]]:
        """The inputs that can be read, in order; row → what is wrong with each of the others."""


@dataclass(frozen=True)
class Predictions:
    """Predictions for images; they are computed while you iterate, a batch at a time."""

    network: Classifier
    classes: tuple[str, ...]
    logit_thresholds: NDArray[np.float64]
    """(C,): a class is tagged where its logit lies above."""
    probabilities: Callable[[Tensor], Tensor]
    """(B, C) of logits (B, C)."""
    images: Sequence[Path]
    """All that were named; whether they can be read is found out on the way."""
    image_size: int
    model_digest: str
    """Of the weights, the classes, the thresholds and whatever else describes the model."""
    max_value: int | None = None
    bad_images: str = "error"
    batch_size: int = 64
    workers: int = 2
    backend: str = "auto"
    """What computes the network, see :func:`.choose`."""
    precision: str | None = None
    """None is that of the model."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Suffix → files in the folders given that are no images by their suffix."""
    repeated: int = 0
    """Paths that were named again; each image is scored once."""
    lists: Sequence[Path] = ()
    """Of those that were given, to tell where the paths in them start."""
    skipped: dict[str, str] = field(default_factory=dict)
    """Image → why it cannot be read, of those that you have come past."""

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} for {len(self):,} images, {len(self.classes):,} classes: "
            "computed while you iterate, or by to_arrow()>"
        )

    def source(self) -> Readable:
        """The inputs of the network, one row per image."""
        return ImageFiles(self.images, self.image_size, self.max_value)

    @cached_property
    def forward(self) -> Forward:
        """The network as it is computed: chosen on the first images, when it is first asked for;
        collective.

        Raises:
            ConfigError, RunError: as :func:`.choose`.
        """
        sample, _ = self.source().read_readable(range(min(SAMPLE, len(self))))
        device = next(self.network.parameters()).device
        share = -(-len(self) // distributed.world_size())
        return choose(self.network, sample.to(device), share, self.backend, self.precision)

    def digest(self) -> str:
        """Of the names of the images and their order, and of the working folder, where a name
        starts from it; their content is not looked at."""
        found, relative = hashlib.blake2b(digest_size=32), False
        for path in self.images:
            found.update(os.fsencode(path) + b"\0")
            relative = relative or not path.is_absolute()
        if relative:
            found.update(os.fsencode(os.getcwd()))
        return found.hexdigest()

    def __iter__(self) -> Iterator[Prediction]:
        """
        Raises:
            DataError: an image cannot be read and is not to be left out; or none can.
        """
        self.skipped.clear()
        for batch in self.batches():
            self.skipped.update(batch.skipped)
            yield from batch.predictions(self.classes)
        if len(self.skipped) == len(self):
            raise none_readable(len(self), self.skipped.values())

    def to_arrow(self) -> pa.Table:
        """Scores all images: columns ``image``, ``tags``, and one probability per class.

        Raises:
            DataError: as iterating does.
        """
        self.skipped.clear()
        tables = []
        for batch in self.batches():
            self.skipped.update(batch.skipped)
            tables.append(batch.to_arrow(self.classes))
        if len(self.skipped) == len(self):
            raise none_readable(len(self), self.skipped.values())
        return pa.concat_tables(tables)

    def _repr_html_(self) -> str:
        return (
            f"<p>Predictions for {len(self):,} images, {len(self.classes):,} classes. They are "
            "computed while you iterate over them, or by <code>to_arrow()</code>.</p>"
        )

    def batches(self, rows: range | None = None) -> Iterator[ScoredBatch]:
        """Those of some rows, or of all.

        Raises:
            DataError: an image cannot be read, and is not to be left out.
            NonFiniteError: scores that are no numbers.
            RunError: a process that decodes has died, the GPU's memory is full, or the backend does
                not take the network.
        """
        reads = self.reads(range(len(self)) if rows is None else rows)
        device = next(self.network.parameters()).device
        for batch, inputs, broken in reads:
            if broken and self.bad_images != "skip":
                row, text = next(iter(broken.items()))
                raise DataError(text + self._where_lists_start(self.images[row]))
            kept = [row for row in batch if row not in broken]
            logits = self._logits(inputs.to(device, non_blocking=True), kept)
            yield ScoredBatch(
                [str(self.images[row]) for row in kept],
                self.probabilities(logits).numpy(),
                logits.double().numpy() > self.logit_thresholds,
                {str(self.images[row]): text for row, text in broken.items()},
            )

    def _where_lists_start(self, path: Path) -> str:
        """A sentence that begins with a blank, where a list may have named what is not there."""
        if not self.lists or os.path.lexists(path):
            return ""
        first = self.lists[0]
        start = (
            "the current folder"
            if first == STDIN
            else f"the list's folder, {first.absolute().parent}"
        )
        return f" Relative names in a list start from {start}: change the names, or move the list."

    def reads(self, rows: range) -> Iterator[tuple[range, Tensor, dict[int, str]]]:
        """Batches of rows: those that can be read, decoded; row → what is wrong with the others.

        Raises:
            RunError: a process that decodes has died.
        """
        plans = [rows[k : k + self.batch_size] for k in range(0, len(rows), self.batch_size)]
        loader = DataLoader(
            _Reads(self.source()),
            sampler=plans,
            batch_size=None,
            num_workers=self.workers,
            pin_memory=next(self.network.parameters()).is_cuda,
            generator=torch.Generator(),  # else it draws from the global stream
            worker_init_fn=_undisturbed,
        )
        with worker_errors():
            batches = zip(plans, loader, strict=True)
            for plan, (inputs, broken) in watched(batches, "Predictions, by batch", len(plans)):
                yield plan, inputs, broken

    def _logits(self, inputs: Tensor, rows: list[int]) -> Tensor:
        """(B, C) float32 on the CPU."""
        if not rows:
            return torch.empty((0, len(self.classes)))
        try:
            logits: Tensor = self.forward(inputs).logits.float().cpu()
        except torch.OutOfMemoryError:
            raise RunError("The memory of the GPU is full. Lower --batch-size.") from None
        with naming_images(self.images):
            check_finite(logits, torch.tensor(rows))
        return logits


def columns_of(classes: Sequence[str]) -> pa.Schema:
    """Of predictions as a table: ``image``, ``tags``, and one probability per class."""
    texts = [("image", pa.string()), ("tags", pa.list_(pa.string()))]
    return pa.schema([*texts, *((name, pa.float32()) for name in classes)])


def plain(name: str) -> str:
    r"""``name`` with bytes that are no UTF-8 as ``\udcff``."""
    return name.encode("utf-8", "backslashreplace").decode()


def none_readable(total: int, reasons: Iterable[str]) -> DataError:
    """The error that says that of ``total`` images none can be read."""
    listed = "\n".join(f"  {text}" for text in islice(reasons, _LISTED))
    return DataError(f"{total:,} of {total:,} images cannot be read:\n{listed}")


class _Reads(TorchDataset[tuple[Tensor, dict[int, str]]]):
    """Batches by their rows."""

    def __init__(self, source: Readable) -> None:
        self.source = source

    def __getitem__(self, rows: Sequence[int]) -> tuple[Tensor, dict[int, str]]:
        return self.source.read_readable(rows)


def _undisturbed(worker: int) -> None:
    """Ctrl-C reaches all processes of a terminal: the first of them alone acts on it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
