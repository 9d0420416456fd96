"""Precision and recall of what a method rejected or corrected: by epoch and by class."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from largeloss.analysis.recorded import RecordedLosses
from largeloss.errors import ConfigError

NUM_BINS = 12


@dataclass(frozen=True)
class Quality:
    """Flagged entries of one epoch, or of one class in the last epoch."""

    flagged: int
    """Unobserved entries that were rejected or corrected."""
    verifiable: int
    """Flagged entries whose truth is known; 0 where only presences are known."""
    correct: int
    """Flagged entries that are truly present: missing tags."""
    missing: int
    """All unobserved entries that are truly present."""

    @property
    def precision(self) -> float | None:
        """Share of the verifiable entries that are missing tags; None without such entries."""
        return self.correct / self.verifiable if self.verifiable else None

    @property
    def recall(self) -> float | None:
        """Share of the missing tags that were flagged; None if no missing tag is known."""
        return self.correct / self.missing if self.missing else None

    def as_json(self) -> dict[str, Any]:
        """The four counts, precision and recall."""
        return {**asdict(self), "precision": self.precision, "recall": self.recall}


@dataclass(frozen=True)
class LossHistogram:
    """Losses of unobserved entries in the last epoch."""

    edges: tuple[float, ...]
    """Limits of the bins, in nats; the first is 0, the last is the largest loss."""
    unobserved: tuple[int, ...]
    """Unobserved entries in each bin, including the flagged ones."""
    flagged: tuple[int, ...]
    """Flagged entries in each bin."""


@dataclass(frozen=True)
class Corrections:
    """All epochs; for the last epoch also by class and by loss."""

    epochs: tuple[Quality, ...]
    classes: dict[str, Quality]
    losses: LossHistogram

    def as_json(self) -> dict[str, Any]:
        """Nested objects, as in ``analysis/corrections.json``."""
        return {
            "epochs": [quality.as_json() for quality in self.epochs],
            "classes": {name: quality.as_json() for name, quality in self.classes.items()},
            "losses": asdict(self.losses),
        }


def corrections(
    recorded: RecordedLosses,
    training: NDArray[np.int8],
    reference: NDArray[np.int8],
    classes: tuple[str, ...],
) -> Corrections:
    """Compares the flagged entries of a run with the reference labels.

    Labels (n, C) as :func:`~largeloss.analysis.memorization.memorization`; C ``classes``.

    Raises:
        ConfigError: no entry was flagged in any epoch.
    """
    missing = (training < 0) & (reference == 1)
    # If no unobserved entry is known to be absent, precision can only be 1, which means nothing.
    verifiable = bool(((training < 0) & (reference == 0)).any())

    def quality(flagged: NDArray[np.int32], num_missing: int) -> Quality:
        truth = reference[flagged[:, 0], flagged[:, 1]]
        known = verifiable * int((truth >= 0).sum())
        return Quality(len(flagged), known, int((truth == 1).sum()), num_missing)

    by_epoch = [recorded.flagged(epoch) for epoch in range(recorded.num_epochs)]
    if not any(map(len, by_epoch)):
        raise ConfigError(
            "This run flagged no entry. Analyse a run of ll-r, ll-ct, ll-cp or curriculum that "
            "was trained for at least one epoch after the warm-up."
        )
    last, losses = by_epoch[-1], recorded.losses(recorded.num_epochs - 1)
    unobserved = losses[training < 0].astype(np.float32)
    edges = np.linspace(0, float(unobserved.max()), NUM_BINS + 1)
    of_flagged = losses[last[:, 0], last[:, 1]].astype(np.float32)
    counts = (np.histogram(part, edges)[0] for part in (unobserved, of_flagged))
    return Corrections(
        tuple(quality(flagged, int(missing.sum())) for flagged in by_epoch),
        {
            name: quality(last[last[:, 1] == column], int(missing[:, column].sum()))
            for column, name in enumerate(classes)
        },
        LossHistogram(tuple(edges.tolist()), *(tuple(part.tolist()) for part in counts)),
    )
