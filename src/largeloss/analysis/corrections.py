"""Precision and recall of what a method rejected or corrected: by epoch and by class."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from largeloss.analysis.recorded import Recorded
from largeloss.errors import ConfigError

NUM_BINS = 12


@dataclass(frozen=True)
class Quality:
    """Flagged entries of one epoch, or of one class in the last epoch."""

    flagged: int
    """Unobserved entries that were rejected or corrected."""
    judged: int
    """Those of them whose truth is known; 0 where only presences are known."""
    right: int
    """Those of them that are truly present: missing tags."""
    missing: int
    """All unobserved entries that are truly present."""

    @property
    def precision(self) -> float | None:
        """Share of the judged that were missing tags; None where none could be judged."""
        return self.right / self.judged if self.judged else None

    @property
    def recall(self) -> float | None:
        """Share of the missing tags that were flagged; None where none is known."""
        return self.right / self.missing if self.missing else None

    def as_json(self) -> dict[str, Any]:
        """Counts and shares."""
        shares = {"precision": self.precision, "recall": self.recall}
        return {"flagged": self.flagged, "judged": self.judged, "right": self.right,
                "missing": self.missing, **shares}  # fmt: skip


@dataclass(frozen=True)
class Losses:
    """How the losses of blank entries are spread in the last epoch."""

    edges: tuple[float, ...]
    """Of the bins; the first is 0, the last the largest loss."""
    blank: tuple[int, ...]
    """Unobserved entries in each bin, flagged ones included."""
    flagged: tuple[int, ...]


@dataclass(frozen=True)
class Corrections:
    """All epochs, and the last by class and by loss."""

    epochs: tuple[Quality, ...]
    classes: dict[str, Quality]
    losses: Losses

    def as_json(self) -> dict[str, Any]:
        """Nested."""
        return {
            "epochs": [quality.as_json() for quality in self.epochs],
            "classes": {name: quality.as_json() for name, quality in self.classes.items()},
            "losses": asdict(self.losses),
        }


def corrections(
    recorded: Recorded,
    training: NDArray[np.int8],
    reference: NDArray[np.int8],
    classes: tuple[str, ...],
) -> Corrections:
    """The analysis of one run.

    Args:
        recorded: Its flagged entries.
        training: (n, C) the labels that were trained on, of the recorded images.
        reference: (n, C) the labels as they are; -1 where not known.
        classes: C names.

    Raises:
        ConfigError: the method flags nothing.
    """
    missing = (training < 0) & (reference == 1)
    # Where no blank is known to be absent, whatever can be judged is right: that says nothing.
    judges = bool(((training < 0) & (reference == 0)).any())
    by_epoch, last = [], np.zeros((0, 2), dtype=np.int32)
    for epoch in range(recorded.num_epochs):
        last = recorded.flagged(epoch)
        states = reference[last[:, 0], last[:, 1]]
        judged, right = judges * int((states >= 0).sum()), int((states == 1).sum())
        by_epoch.append(Quality(len(last), judged, right, int(missing.sum())))
    if not any(quality.flagged for quality in by_epoch):
        raise ConfigError(
            "This run flagged no label. Analyse a run of ll-r, ll-ct, ll-cp or curriculum that "
            "went beyond its warm-up."
        )
    states = reference[last[:, 0], last[:, 1]]
    by_class = {
        name: Quality(
            int((last[:, 1] == column).sum()),
            judges * int((states[last[:, 1] == column] >= 0).sum()),
            int((states[last[:, 1] == column] == 1).sum()),
            int(missing[:, column].sum()),
        )
        for column, name in enumerate(classes)
    }
    return Corrections(tuple(by_epoch), by_class, _spread(recorded, training, last))


def _spread(recorded: Recorded, training: NDArray[np.int8], flagged: NDArray[np.int32]) -> Losses:
    losses = recorded.losses(recorded.num_epochs - 1)
    blank = losses[training < 0].astype(np.float32)
    edges = np.linspace(0, float(blank.max()), NUM_BINS + 1)
    counts, _ = np.histogram(blank, edges)
    chosen, _ = np.histogram(losses[flagged[:, 0], flagged[:, 1]].astype(np.float32), edges)
    return Losses(tuple(edges.tolist()), tuple(counts.tolist()), tuple(chosen.tolist()))
