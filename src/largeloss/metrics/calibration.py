"""Probabilities that mean what they say: a line through the logits of each class, fitted on val.

The line (Platt's scaling) rises, so that no two images of a class change places. That it is a line,
and one by class, was chosen on halves of val (docs/contributing/decisions.md).
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
BINS = 10
"""Of probabilities, of equal width."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """Logits are multiplied by slopes, and offsets added, class by class."""

    slopes: Floats
    """(C,), above 0."""
    offsets: Floats
    """(C,)."""

    def apply(self, logits: npt.NDArray[np.floating]) -> Floats:
        """(N, C) float64, of logits (N, C)."""
        return logits * self.slopes + self.offsets


def fit_calibration(
    scores: npt.NDArray[np.floating],
    labels: npt.NDArray[np.int8],
    columns: npt.NDArray[np.integer],
    num_classes: int,
) -> Calibration:
    """The line of each class, by logistic regression.

    It is scikit-learn's, with its default penalty on the slope. A class without positives or
    without negatives, or whose line would fall, gets the line of all classes together; where that
    falls, too, nothing is changed.

    Args:
        scores: Finite logits of the observed entries.
        labels: 1 present, 0 absent.
        columns: The class of each entry.
        num_classes: C.
    Shapes: scores, labels and columns (E,).
    """
    common = _line(scores, labels) or (1.0, 0.0)
    order = np.argsort(columns, kind="stable")
    ends = np.cumsum(np.bincount(columns, minlength=num_classes))
    parts = np.split(order, ends[:-1])
    lines = np.array([_line(scores[part], labels[part]) or common for part in parts])
    return Calibration(lines[:, 0], lines[:, 1])


def _line(
    scores: npt.NDArray[np.floating], labels: npt.NDArray[np.int8]
) -> tuple[float, float] | None:
    """Slope and offset; None where there is one state only, or the slope is not above 0."""
    if not 0 < (labels == 1).sum() < len(labels):
        return None
    from sklearn import linear_model  # slow to import, for who only applies what was fitted

    regression: Any = linear_model.LogisticRegression
    found = regression(max_iter=1000).fit(scores[:, None].astype(np.float64), labels == 1)
    slope, offset = float(found.coef_[0, 0]), float(found.intercept_[0])
    return (slope, offset) if slope > 0 else None


class Reliability(NamedTuple):
    """Probabilities of entries beside the labels: in bins of equal width, and as one number."""

    mean: Floats
    """(BINS,) of the probabilities in a bin; NaN where it has none."""
    present: Floats
    """(BINS,) share of its entries that are present."""
    entries: npt.NDArray[np.int64]
    """(BINS,)."""
    expected_error: float
    """Mean distance between a bin's probability and its share, weighted by entries (ECE)."""
    brier: float
    """Mean squared distance between probability and label."""
    log_loss: float
    """Mean cross-entropy, in nats."""


def measured_reliability(logits: Floats, labels: npt.NDArray[np.int8]) -> Reliability:
    """How far the probabilities of logits (E,) can be trusted; labels (E,) of 1 and 0, E >= 1."""
    truth = (labels == 1).astype(np.float64)
    probabilities = np.exp(-np.logaddexp(0, -logits))
    bins = np.minimum((probabilities * BINS).astype(np.int64), BINS - 1)
    entries = np.bincount(bins, minlength=BINS)
    counted = np.where(entries > 0, entries, np.nan)
    mean = np.bincount(bins, probabilities, BINS) / counted
    present = np.bincount(bins, truth, BINS) / counted
    return Reliability(
        mean,
        present,
        entries,
        expected_error=float(np.nansum(entries * np.abs(mean - present)) / len(logits)),
        brier=float(np.mean((probabilities - truth) ** 2)),
        log_loss=float(np.mean(np.logaddexp(0, logits) - truth * logits)),
    )
