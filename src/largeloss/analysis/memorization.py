"""Does the model memorise missing tags late? The table and the curves of the paper."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from largeloss.analysis.recorded import KINDS, RecordedLosses, kinds
from largeloss.errors import ConfigError

NUM_PARTS = 20


@dataclass(frozen=True)
class Memorization:
    """The phase of the highest loss of each kind of entry, and the mean losses over time.

    Kinds are in the order of :data:`~largeloss.analysis.recorded.KINDS`.
    """

    counts: tuple[int, ...]
    """Entries of each kind."""
    warmup: tuple[float | None, ...]
    """Share of the entries with the highest loss in epoch 0; None without entries of the kind."""
    curves: tuple[tuple[float | None, ...], ...]
    """By kind: mean loss in each epoch."""
    first_epoch: tuple[tuple[float | None, ...], ...]
    """By kind: mean loss in each of 20 equal parts of the steps of epoch 0."""

    @property
    def regular(self) -> tuple[float | None, ...]:
        """Share of the entries with the highest loss after epoch 0; None as in ``warmup``."""
        return tuple(None if share is None else 1 - share for share in self.warmup)

    def as_json(self) -> dict[str, Any]:
        """One object per kind; shares in percent, as :mod:`largeloss.experiments.published` has."""
        return {
            kind: {
                "count": self.counts[i],
                "warm-up": _percent(self.warmup[i]),
                "regular": _percent(self.regular[i]),
                "mean_loss": list(self.curves[i]),
                "mean_loss_in_epoch_0": list(self.first_epoch[i]),
            }
            for i, kind in enumerate(KINDS)
        }


def memorization(
    recorded: RecordedLosses, training: NDArray[np.int8], reference: NDArray[np.int8]
) -> Memorization:
    """Finds the phase in which each training entry has its highest loss.

    The phase is "warm-up" if the highest loss is in epoch 0, else "regular". Of equal losses the
    earliest counts.

    Args:
        recorded: Recorded losses of the run.
        training: (n, C) labels that the method was trained on, of the recorded images.
        reference: (n, C) labels of the data set, before any were hidden; -1 where not known.

    Raises:
        ConfigError: fewer than two epochs, labels of another shape, or the truth of no
            unobserved entry is known.

    Source: Kim et al., CVPR 2022, section 3 and table 1.
    """
    if recorded.num_epochs < 2:
        raise ConfigError(
            "One epoch was recorded, but this analysis needs two. Train for at least 2 epochs."
        )
    kind = kinds(training, reference)
    if not (kind > 0).any():
        raise ConfigError(
            "Missing tags cannot be found: the truth of no unobserved entry is known. Record a run "
            "on a data set with complete labels, and hide a part of them with --observe."
        )
    if kind.shape != recorded.losses(0).shape:
        raise ConfigError(
            f"{recorded.losses(0).shape} losses were recorded, but the labels are {kind.shape}. "
            "The data has changed since. Restore the data, or train again."
        )
    counts = np.array([(kind == i).sum() for i in range(len(KINDS))])
    early = np.zeros(len(KINDS))
    sums = np.zeros((len(KINDS), recorded.num_epochs))
    parts = np.zeros((len(KINDS), NUM_PARTS))
    in_part = np.zeros((len(KINDS), NUM_PARTS))
    steps = recorded.steps(0)
    part_of = np.minimum(NUM_PARTS - 1, steps * NUM_PARTS // max(1, int(steps.max()) + 1))
    for images, losses in recorded.chunks():
        in_warmup = losses[0] >= losses[1:].max(axis=0)
        for i in range(len(KINDS)):
            chosen = kind[images] == i
            early[i] += in_warmup[chosen].sum()
            sums[i] += losses[:, chosen].sum(axis=1, dtype=np.float64)
            where = np.broadcast_to(part_of[images, None], chosen.shape)[chosen]
            parts[i] += np.bincount(where, losses[0][chosen].astype(np.float64), NUM_PARTS)
            in_part[i] += np.bincount(where, minlength=NUM_PARTS)
    with np.errstate(invalid="ignore"):
        return Memorization(
            tuple(counts.tolist()),
            _known(early / counts),
            tuple(map(_known, sums / counts[:, None])),
            tuple(map(_known, parts / in_part)),
        )


def _known(values: NDArray[np.float64]) -> tuple[float | None, ...]:
    return tuple(None if np.isnan(value) else float(value) for value in values)


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
