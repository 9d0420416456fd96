"""Average precision of each class, from matrices or from a list of observed entries."""

from typing import Any

import numpy as np
import numpy.typing as npt

from largeloss.errors import InputError
from largeloss.metrics.arrays import (
    ArrayOrTensor,
    Labels,
    Scores,
    checked_pair,
    to_labels,
    to_numpy,
    to_scores,
)
from largeloss.metrics.ranking import Ranking, ranked_classes, ranked_entries

# Below this observed share, selecting the entries is faster than reading the whole matrix.
SPARSE_BELOW = 0.1


def average_precision(scores: ArrayOrTensor, labels: ArrayOrTensor) -> npt.NDArray[np.float64]:
    """Step-wise average precision of each class over its observed entries.

    ::

        AP = mean over positives i of  #{positives j: s_j >= s_i} / #{entries j: s_j >= s_i}

    This is ``average_precision_score`` of scikit-learn: equal scores form one step, without
    interpolation. A class without an observed positive gives 0.0. The result does not depend on
    the order of the rows, to the last bit.

    Args:
        scores: Higher means more likely present. Prefer logits: float32 probabilities saturate and
            become equal. Arrays or tensors of any float type; infinite scores are allowed.
        labels: 1 present, 0 absent, -1 unobserved, in any numeric type.
    Shapes: scores (N, C); labels (N, C); returns (C,) float64.
    Units: fractions in [0, 1].
    Raises: InputError for a wrong shape, or a NaN score, even an unobserved one;
        LabelError for any other label.
    Source: scikit-learn, ``sklearn.metrics.average_precision_score``.
    """
    return class_average_precisions(*checked_pair(scores, labels))


def class_average_precisions(scores: Scores, labels: Labels) -> npt.NDArray[np.float64]:
    """``average_precision`` of inputs that are already checked."""
    num_classes = scores.shape[1]
    observed = labels >= 0
    if np.count_nonzero(observed) < SPARSE_BELOW * observed.size:
        places = np.nonzero(observed)
        found = ranked_entries(scores[places], labels[places], places[1], num_classes)
    else:
        found = ranked_classes(scores, labels)
    return np.fromiter(map(_step_mean, found), dtype=np.float64, count=num_classes)


def average_precision_entries(
    scores: ArrayOrTensor, labels: ArrayOrTensor, columns: ArrayOrTensor, num_classes: int
) -> npt.NDArray[np.float64]:
    """Average precision of each class from a list of observed entries, in O(entries) memory.

    Equals ``average_precision`` of matrices with these entries and -1 elsewhere.

    Args:
        scores: Scores of the observed entries, in any order.
        labels: 1 present, 0 absent; the caller leaves unobserved entries out.
        columns: The class of each entry, whole numbers in [0, num_classes).
        num_classes: C; a class without a positive entry gives 0.0.
    Shapes: scores (E,); labels (E,); columns (E,); returns (C,) float64.
    Units: fractions in [0, 1].
    Raises: InputError for shapes that differ, a NaN score or a column outside [0, num_classes);
        LabelError for a label that is neither 1 nor 0.
    Source: as ``average_precision``.
    """
    checked = checked_entries(scores, labels, columns, num_classes)
    values = map(_step_mean, ranked_entries(*checked, num_classes))
    return np.fromiter(values, dtype=np.float64, count=num_classes)


def _step_mean(ranking: Ranking) -> float:
    if ranking.hits.size == 0:
        return 0.0
    precision = ranking.hits_above / ranking.all_above
    return float(np.add.reduce(precision) / precision.size)  # the mean


def checked_entries(
    values: ArrayOrTensor, states: ArrayOrTensor, places: ArrayOrTensor, num_classes: int
) -> tuple[Scores, Labels, npt.NDArray[Any]]:
    """Scores, labels and columns of observed entries as checked arrays (E,)."""
    scores, labels, columns = to_scores(values), to_labels(states, lowest=0), to_numpy(places)
    if num_classes < 1:
        raise InputError(f"num_classes must be at least 1, but is {num_classes}.")
    if scores.ndim != 1 or not scores.shape == labels.shape == columns.shape:
        raise InputError(
            "scores, labels and columns must have the same shape (E,), "
            f"but have {scores.shape}, {labels.shape} and {columns.shape}."
        )
    if scores.size == 0:
        return scores, labels, columns
    if columns.dtype.kind not in "iu":
        raise InputError(f"columns must be whole numbers, but their type is {columns.dtype}.")
    lowest, highest = int(columns.min()), int(columns.max())
    if lowest < 0 or highest >= num_classes:
        raise InputError(
            f"columns must lie in [0, {num_classes}), but reach from {lowest} to {highest}."
        )
    if np.isnan(scores.min()):
        bad = np.flatnonzero(np.isnan(scores))
        raise InputError(
            f"{bad.size} of {scores.size} scores are NaN; "
            f"the first is entry {bad[0]}, of class {columns[bad[0]]}."
        )
    return scores, labels, columns
