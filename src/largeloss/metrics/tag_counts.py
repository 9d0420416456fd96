"""How many tags a threshold gives, and how many of them are right, class by class."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from largeloss.errors import InputError
from largeloss.metrics.arrays import ArrayOrTensor, checked_pair, to_scores
from largeloss.metrics.average_precision import checked_entries


@dataclass(frozen=True, eq=False)
class TagCounts:
    """Numbers of observed entries, (C,) int64 each."""

    hits: npt.NDArray[np.int64]
    """Present, and predicted present."""
    predicted: npt.NDArray[np.int64]
    """Predicted present."""
    positives: npt.NDArray[np.int64]
    """Present."""

    @property
    def precision(self) -> npt.NDArray[np.float64]:
        """(C,) share of the predicted entries that are present; NaN where none is predicted."""
        return self.hits / np.where(self.predicted > 0, self.predicted, np.nan)

    @property
    def recall(self) -> npt.NDArray[np.float64]:
        """(C,) share of the present entries that are predicted; NaN where none is present."""
        return self.hits / np.where(self.positives > 0, self.positives, np.nan)


def tag_counts(
    scores: ArrayOrTensor, labels: ArrayOrTensor, thresholds: ArrayOrTensor = 0.0
) -> TagCounts:
    """Counts over observed entries; an entry is predicted present if ``score > threshold``.

    Args:
        scores: Logits (the default threshold 0 is probability one half) or any other scores.
        labels: 1 present, 0 absent, -1 unobserved.
        thresholds: One number for all classes, or one for each; infinite where a class is never
            predicted. They are compared in float64.
    Shapes: scores (N, C); labels (N, C); thresholds () or (C,).
    Raises: InputError for a wrong shape, a NaN score or threshold; LabelError for any other label.
    """
    checked, states = checked_pair(scores, labels)
    predicted = checked > _per_class(thresholds, checked.shape[1])
    positive = states == 1
    return TagCounts(
        hits=np.count_nonzero(predicted & positive, axis=0),
        predicted=np.count_nonzero(predicted & (states >= 0), axis=0),
        positives=np.count_nonzero(positive, axis=0),
    )


def tag_counts_entries(
    scores: ArrayOrTensor,
    labels: ArrayOrTensor,
    columns: ArrayOrTensor,
    num_classes: int,
    thresholds: ArrayOrTensor = 0.0,
) -> TagCounts:
    """``tag_counts`` from a list of observed entries, in O(entries) memory.

    Scores, labels and columns as ``average_precision_entries``; the rest as ``tag_counts``.
    """
    values, states, places = checked_entries(scores, labels, columns, num_classes)
    places = places.astype(np.int64)
    predicted, positive = values > _per_class(thresholds, num_classes)[places], states == 1
    return TagCounts(
        *(
            np.bincount(places[which], minlength=num_classes)
            for which in (predicted & positive, predicted, positive)
        )
    )


def _per_class(thresholds: ArrayOrTensor, num_classes: int) -> npt.NDArray[np.float64]:
    # float64: a threshold rounded to float32 may be equal to a score.
    limits = to_scores(thresholds).astype(np.float64)
    if limits.shape not in ((), (num_classes,)):
        raise InputError(
            f"thresholds must be one number or have the shape ({num_classes},), "
            f"but have {limits.shape}."
        )
    if np.isnan(limits).any():
        raise InputError("thresholds must be numbers, but at least one is NaN.")
    return np.broadcast_to(limits, (num_classes,))
