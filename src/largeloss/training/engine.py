"""Training and scoring as loops that you iterate."""

from collections.abc import Iterable, Iterator, Sequence, Sized
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from largeloss import distributed
from largeloss.data.inputs.loader import Batch
from largeloss.errors import NonFiniteError
from largeloss.forward import Forward, full_memory_told
from largeloss.forward.memory import TRAINING
from largeloss.labels import LabelTable
from largeloss.losses import PartialLabelLoss
from largeloss.models import Classifier
from largeloss.objective import Evaluated
from largeloss.training.updates import Updates
from largeloss.watch import watched


class Step(NamedTuple):
    """One step that was taken."""

    loss: Tensor
    """(), detached, over the global batch, before the update."""
    logits: Tensor
    """(B, C), detached, of the training forward pass."""
    batch: Batch


class Scores(NamedTuple):
    """The predictions of a model for some rows."""

    logits: Tensor
    """(M, C) float32, on the CPU, in the order of the loader."""
    rows: Tensor
    """(M,) int64."""


class EntryScores(NamedTuple):
    """The predictions of a model for the observed entries of some rows, in the loader's order."""

    scores: NDArray[np.floating]
    """(E,) logits."""
    states: NDArray[np.int8]
    """(E,): 1 present, 0 absent."""
    columns: NDArray[np.integer]
    """(E,): each entry's class."""


def train_epoch(objective: nn.Module, batches: Iterable[Batch], updates: Updates) -> Iterator[Step]:
    """Takes one step per batch and yields it.

    Args:
        objective: Called with (inputs, labels, rows), gives
            :class:`~largeloss.objective.Evaluated`; wrapped for several processes, or not.
        batches: One epoch, or what is left of it.
        updates: Of the objective's parameters; told where the epoch begins.

    Raises:
        NonFiniteError: naming step and rows; nothing was updated by that step on a CPU.
        RunError: the memory of the GPU is full.
    """
    objective.train()
    with full_memory_told(TRAINING):
        for number, batch in enumerate(batches):
            updates.before()
            try:
                evaluated: Evaluated = objective(batch.inputs, batch.labels, batch.rows)
                updates.learn(evaluated.loss)
            except NonFiniteError as error:
                raise NonFiniteError(f"Step {number}: {error}", error.rows) from None
            yield Step(evaluated.loss.detach(), evaluated.logits.detach(), batch)


@torch.no_grad()
def score_batches(model: Classifier | Forward, batches: Iterable[Batch]) -> Iterator[Scores]:
    """Logits of one batch after the other, in evaluation mode, gathered over the processes.

    Raises:
        NonFiniteError: training has diverged.
        RunError: the memory of the GPU is full.
    """
    distributed.share_buffers(model)
    with full_memory_told(), model.scoring():
        for batch in _shown(batches):
            logits, rows = _gathered(model, batch)
            yield Scores(logits.cpu(), rows)


def score(model: Classifier | Forward, batches: Iterable[Batch]) -> Scores:
    """Logits of all batches, see :func:`score_batches`."""
    parts = list(score_batches(model, batches))
    return Scores(*(torch.cat(tensors) for tensors in zip(*parts, strict=True)))


@torch.no_grad()
def score_entries(
    model: Classifier | Forward, batches: Iterable[Batch], table: LabelTable
) -> EntryScores:
    """Logits of the observed entries alone, for data with so many classes that all are too many.

    Never more than a batch is dense: 4 bytes are kept of an observed entry, none of another.

    ``batches`` has all images of the table, in its order; the table says what is observed.

    Raises:
        NonFiniteError: training has diverged.
        RunError: the memory of the GPU is full.
    """
    distributed.share_buffers(model)
    # made at once: millions of small tensors kept between large ones would scatter the memory
    scores = np.empty(table.num_observed, dtype=np.float32)
    first = 0
    with full_memory_told(), model.scoring():
        for batch in _shown(batches):
            logits, _ = _gathered(model, batch)
            ends = table.offsets[first : first + len(logits) + 1]
            part = slice(ends[0], ends[-1])
            places = np.repeat(np.arange(len(logits)), np.diff(ends)) * logits.shape[1]
            places += table.columns[part]
            scores[part] = logits.flatten()[torch.from_numpy(places).to(logits.device)].cpu()
            first += len(logits)
    return EntryScores(scores, table.states, table.columns)


@torch.no_grad()
def relabel(
    model: Classifier, criterion: PartialLabelLoss, batches: Iterable[Batch], passes: int
) -> None:
    """Shows the predictions for the training images to a method that labels between epochs.

    ``batches`` has them in order, with the labels as given. Each batch is scored ``passes`` times,
    in evaluation mode; several passes differ by the model's dropout.

    Raises:
        NonFiniteError: training has diverged.
        RunError: the memory of the GPU is full.
    """
    distributed.share_buffers(model)
    with full_memory_told(), model.scoring(with_dropout=passes > 1):
        for batch in _shown(batches):
            pooled = model.pooled(batch.inputs)  # dropout comes after it: once is enough
            logits = torch.stack([model.logits(model.dropout(pooled)) for _ in range(passes)])
            check_finite(logits.transpose(0, 1).flatten(1), batch.rows)
            criterion.relabel(logits, batch.labels, batch.rows)


def _shown(batches: Iterable[Batch]) -> Iterator[Batch]:
    total = len(batches) if isinstance(batches, Sized) else 0
    return watched(batches, "Predictions, by batch", total)


@contextmanager
def naming_images(images: Sequence[object]) -> Iterator[None]:
    """Within it, logits that are not finite are reported with their images' names, by row."""
    try:
        yield
    except NonFiniteError as error:
        names = ", ".join(str(images[row]) for row in error.rows[:4])
        raise NonFiniteError(f"{error} Images: {names}.", error.rows) from None


def _gathered(model: Classifier | Forward, batch: Batch) -> tuple[Tensor, Tensor]:
    """(B, C) logits on the model's device, (B,) rows on the CPU: of all processes."""
    logits = distributed.gather(model(batch.inputs).logits.float())
    rows = distributed.gather(batch.rows.to(distributed.device())).cpu()
    check_finite(logits, rows)
    return logits, rows


def check_finite(logits: Tensor, rows: Tensor) -> None:
    """Makes sure that (B, C) ``logits`` of the images ``rows`` are numbers.

    Raises:
        NonFiniteError: they are not.
    """
    bad = ~logits.isfinite().all(dim=1).cpu()
    if bool(bad.any()):
        raise NonFiniteError(
            f"Logits are NaN or infinite for {int(bad.sum())} of {len(bad)} scored images. Lower "
            "the learning rate, or train in full precision.",
            tuple(rows[bad].tolist()),
        )
