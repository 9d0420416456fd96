"""Does the model memorise missing tags late? The paper's table and curves."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from largeloss.analysis.recorded import KINDS, Recorded, kinds
from largeloss.errors import ConfigError

NUM_PARTS = 20


@dataclass(frozen=True)
class Memorization:
    """When each kind of entry has its highest loss, and how the mean losses move.

    Kinds are in the order of :data:`~largeloss.analysis.recorded.KINDS`.
    """

    counts: tuple[int, ...]
    """Entries of each kind."""
    warmup: tuple[float | None, ...]
    """Share of them with the highest loss in epoch 0; None where there are no such entries."""
    curves: tuple[tuple[float | None, ...], ...]
    """By kind: mean loss in each epoch."""
    first_epoch: tuple[tuple[float | None, ...], ...]
    """By kind: mean loss in each twentieth of the steps of epoch 0."""

    @property
    def regular(self) -> tuple[float | None, ...]:
        """Share of the entries with the highest loss after epoch 0."""
        return tuple(None if share is None else 1 - share for share in self.warmup)

    def as_json(self) -> dict[str, Any]:
        """By kind; shares in percent, as :mod:`largeloss.experiments.published` reads them."""
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
    recorded: Recorded, training: NDArray[np.int8], reference: NDArray[np.int8]
) -> Memorization:
    """The analysis of one run.

    Args:
        recorded: Its losses; the phase of the highest is "warm-up" if that is epoch 0 (of equal
            ones the earliest counts), else "regular".
        training: (n, C) the labels that were trained on, of the recorded images.
        reference: (n, C) the labels as they are; -1 where not even that is known.

    Raises:
        ConfigError: fewer than two epochs, labels of another shape, or no truth of any
            unobserved entry.

    Source: Kim et al., CVPR 2022, section 3 and table 1.
    """
    if recorded.num_epochs < 2:
        raise ConfigError("One epoch was recorded; phases need at least two.")
    kind = kinds(training, reference)
    if not (kind > 0).any():
        raise ConfigError(
            "The truth of not one unobserved entry is known, so nothing can be said of missing "
            "tags. Record a run on complete labels of which --observe hides some."
        )
    if kind.shape != recorded.losses(0).shape:
        raise ConfigError(
            f"{recorded.losses(0).shape} losses were recorded, but the labels are {kind.shape}. "
            "The data has changed since."
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
