"""Bootstrap interval of mean average precision: how much it rests on the rows at hand."""

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from largeloss.errors import ConfigError
from largeloss.metrics.arrays import ArrayOrTensor, Labels, Scores, check_absent, checked_pair

LEVEL = 95
"""Percent of the draws that lie in an interval."""


class Interval(NamedTuple):
    """Percentiles of the draws, in percent mAP."""

    low: float
    high: float


def map_interval(
    scores: ArrayOrTensor,
    labels: ArrayOrTensor,
    absent: Literal["zero", "skip"] = "zero",
    *,
    draws: int = 1000,
    seed: int = 0,
) -> Interval | None:
    """Percentile bootstrap over rows of ``mean_average_precision(...).value``.

    Each draw takes N of the N rows with replacement, all classes of a row together, and measures
    mAP on them; the interval holds the middle 95 % of the draws. A class that has positives, but
    none in a draw, has no average precision there: it is left out of that draw's mean.

    It shows how much the figure would differ on other images of the same kind; not how much it
    would differ after another training. With few positives a class's average precision is higher
    in draws than in the data (a positive that is drawn twice is two in one place): on very small
    splits the interval lies high, and may not hold the figure itself.

    Args:
        scores: Higher means more likely present.
        labels: 1 present, 0 absent, -1 unobserved.
        absent: What a class without an observed positive does, as ``mean_average_precision``.
        draws: Number of draws; the time is proportional to N x C x draws (about 5 s per billion),
            the memory to N x draws (one byte each).
        seed: The same seed gives the same interval.
    Shapes: scores (N, C); labels (N, C).
    Units: percent, in [0, 100]. None where no class has an observed positive, or no draw
        has one.
    Raises: InputError, LabelError as ``average_precision``; ConfigError for another ``absent`` or
        less than one draw.
    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
    """
    check_absent(absent)
    if draws < 1:
        raise ConfigError(f"draws must be at least 1, but is {draws}.")
    checked, states = checked_pair(scores, labels)
    present = np.flatnonzero((states == 1).any(axis=0))
    if present.size == 0:
        return None
    counts = _counts(len(states), draws, seed)
    total, measured = np.zeros((2, draws))
    for column in present:
        values = _average_precisions(checked[:, column], states[:, column], counts)
        total += np.nan_to_num(values)
        measured += ~np.isnan(values)
    if not measured.any():  # no draw has a positive
        return None
    means = 100.0 * total[measured > 0] / measured[measured > 0]
    if absent == "zero":
        means *= present.size / states.shape[1]
    low, high = np.percentile(means, [(100 - LEVEL) / 2, (100 + LEVEL) / 2])
    return Interval(float(low), float(high))


def _counts(num_rows: int, draws: int, seed: int) -> npt.NDArray[np.uint8]:
    """(N, draws): how often each row is in each draw. Over 255 times is as good as impossible."""
    rng = np.random.default_rng(seed)
    counts = np.empty((num_rows, draws), dtype=np.uint8)
    for draw in range(draws):
        counts[:, draw] = np.bincount(rng.integers(num_rows, size=num_rows), minlength=num_rows)
    return counts


def _average_precisions(
    scores: Scores, labels: Labels, counts: npt.NDArray[np.uint8]
) -> npt.NDArray[np.float64]:
    """(draws,) average precision of one class with a positive; NaN where a draw has none.

    Rows are ranked once. Between one score that a positive has and the next, all rows are summed
    at once: precision is needed at these scores alone.
    """
    rows = np.flatnonzero(labels >= 0)
    rows = rows[np.argsort(-scores[rows], kind="stable")]
    ranked, positive = scores[rows], labels[rows] == 1
    step = np.cumsum(np.append(False, ranked[1:] != ranked[:-1]))  # equal scores are one step
    hit_steps, first_hits = np.unique(step[positive], return_index=True)
    ends = np.searchsorted(step, hit_steps, side="right")
    starts = np.append(0, ends[:-1])
    hits = np.add.reduceat(counts[rows[positive]], first_hits, axis=0, dtype=np.int32)
    above = np.add.reduceat(counts[rows[: ends[-1]]], starts, axis=0, dtype=np.int32)
    precision = np.cumsum(hits, axis=0) / np.maximum(np.cumsum(above, axis=0), 1)
    positives = hits.sum(axis=0)
    with np.errstate(invalid="ignore"):
        found: npt.NDArray[np.float64] = (hits * precision).sum(axis=0) / positives
    return found
