"""Probabilities that mean what they say: a line through the logits of each class, fitted on val.

The line (Platt's scaling) rises, so that no two images of a class change places. That it is a line,
by class, and drawn towards that of all classes, was chosen on halves of val (docs/decisions.md).
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from largeloss.metrics.thresholds import PRIOR

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
    """The line of each class, drawn towards that of all classes where labels are few.

    A logistic regression (scikit-learn's, with its default penalty on the slope) finds the line of
    a class with n observed positives (or negatives, if these are fewer); its calibrated logits are
    ``w * own + (1 - w) * common`` with ``w = n / (n + 20)``, as of thresholds. ``common`` alone is
    taken where a class has no n, or where its own line would fall; and nothing is changed where
    that of all classes together falls.

    Args:
        scores: Finite logits of the observed entries.
        labels: 1 present, 0 absent.
        columns: The class of each entry.
        num_classes: C.
    Shapes: scores, labels and columns (E,).
    """
    common = _line(scores, labels) or (1.0, 0.0)
    lines = np.tile(np.array(common), (num_classes, 1))
    order = np.argsort(columns, kind="stable")
    ends = np.cumsum(np.bincount(columns, minlength=num_classes))
    for column, entries in enumerate(np.split(order, ends[:-1])):
        own = _line(scores[entries], labels[entries])
        if own is not None:
            present = int((labels[entries] == 1).sum())
            fewer = min(present, len(entries) - present)
            weight = fewer / (fewer + PRIOR)
            lines[column] = weight * np.array(own) + (1 - weight) * np.array(common)
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
