"""Mean average precision, with the counts behind it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from largeloss.metrics.arrays import ArrayOrTensor, check_absent, checked_pair, to_numpy
from largeloss.metrics.average_precision import average_precision_entries, class_average_precisions


@dataclass(frozen=True, eq=False)
class MeanAveragePrecision:
    """Mean average precision in percent, and the counts behind it."""

    value: float
    """100 × the mean over classes, in [0, 100]; never NaN."""
    measurable: float | None
    """100 × the mean over the classes that have both an observed positive and an observed negative,
    the only ones whose AP depends on the model; None where there is no such class."""
    per_class: npt.NDArray[np.float64]
    """(C,) average precision as a fraction in [0, 1]; 0.0 without a positive."""
    num_classes: int
    """C."""
    num_absent: int
    """Classes without an observed positive; if there are C, ``value`` is 0.0."""
    num_without_negatives: int
    """Classes with positives but without observed negatives: their AP is 1.0 for any model."""
    num_observed: int
    """Observed entries."""


def mean_average_precision(
    scores: ArrayOrTensor, labels: ArrayOrTensor, absent: Literal["zero", "skip"] = "zero"
) -> MeanAveragePrecision:
    """Mean of the classes' average precisions over observed entries, in percent.

    Args:
        scores: Higher means more likely present; prefer logits.
        labels: 1 present, 0 absent, -1 unobserved.
        absent: What a class without an observed positive does to the mean: counts 0 ("zero",
            as published) or is left out ("skip"). 0.0 where no class has a positive.
    Shapes: scores (N, C); labels (N, C).
    Units: ``value`` in percent, ``per_class`` as fractions.
    Raises: InputError, LabelError as ``average_precision``; ConfigError for another ``absent``.
    Source: Kim et al., CVPR 2022 (the mean of "zero"); see ``average_precision``.
    """
    check_absent(absent)
    checked, states = checked_pair(scores, labels)
    per_class = class_average_precisions(checked, states)
    positives = np.count_nonzero(states == 1, axis=0)
    negatives = np.count_nonzero(states == 0, axis=0)
    return _mean(per_class, positives, negatives, absent)


def mean_average_precision_entries(
    scores: ArrayOrTensor,
    labels: ArrayOrTensor,
    columns: ArrayOrTensor,
    num_classes: int,
    absent: Literal["zero", "skip"] = "zero",
) -> MeanAveragePrecision:
    """``mean_average_precision`` from a list of observed entries, in O(entries) memory.

    Args, shapes and errors as ``average_precision_entries``; ``absent`` as
    ``mean_average_precision``.
    """
    check_absent(absent)
    per_class = average_precision_entries(scores, labels, columns, num_classes)
    states, places = to_numpy(labels), to_numpy(columns).astype(np.int64)
    positives, negatives = (
        np.bincount(places[states == state], minlength=num_classes) for state in (1, 0)
    )
    return _mean(per_class, positives, negatives, absent)


def _mean(
    per_class: npt.NDArray[np.float64],
    positives: npt.NDArray[np.int64],
    negatives: npt.NDArray[np.int64],
    absent: str,
) -> MeanAveragePrecision:
    present = positives > 0
    both = per_class[present & (negatives > 0)]
    counted = per_class[present] if absent == "skip" else per_class
    return MeanAveragePrecision(
        value=100.0 * float(counted.mean()) if counted.size else 0.0,
        measurable=100.0 * float(both.mean()) if both.size else None,
        per_class=per_class,
        num_classes=per_class.size,
        num_absent=int(np.count_nonzero(~present)),
        num_without_negatives=int(np.count_nonzero(present & (negatives == 0))),
        num_observed=int(positives.sum() + negatives.sum()),
    )
