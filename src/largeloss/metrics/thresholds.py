"""Thresholds that maximise F1: of each class by itself, or shrunk towards one of all classes."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from largeloss.metrics.arrays import ArrayOrTensor, Scores, checked_pair, refuse_scores
from largeloss.metrics.average_precision import checked_entries
from largeloss.metrics.ranking import Ranking, ranked_classes, ranked_entries

PRIOR = 20.0
"""The threshold of all classes counts as much as so many positives of a class."""


def best_thresholds(scores: ArrayOrTensor, labels: ArrayOrTensor) -> npt.NDArray[np.float64]:
    """For each class, the threshold of the greatest F1 over its observed entries.

    An entry is predicted present if ``score > threshold``, as in ``f1_scores``. The threshold lies
    midway between two neighbouring scores. If it is best to predict every entry, it is the next
    number below the lowest score. Of equally good thresholds the highest is taken. A class without
    an observed positive or without an observed negative gets 0.0, for logits a probability of one
    half. Choose thresholds on other images than those on which F1 is reported.

    Args:
        scores: Logits or any other finite scores.
        labels: 1 present, 0 absent, -1 unobserved.
    Shapes: scores (N, C); labels (N, C); returns (C,) float64.
    Units: those of the scores.
    Raises: InputError for a wrong shape, or a score that is NaN or infinite;
        LabelError for any other label.
    Source: ours; exact, since the best threshold always lies just below the score of a positive.
    """
    checked, states = checked_pair(scores, labels)
    return _of_classes(checked, ranked_classes(checked, states), checked.shape[1])


def best_thresholds_entries(
    scores: ArrayOrTensor, labels: ArrayOrTensor, columns: ArrayOrTensor, num_classes: int
) -> npt.NDArray[np.float64]:
    """``best_thresholds`` from a list of observed entries, in O(entries) memory.

    Args, shapes and errors as ``average_precision_entries``; returns (C,) float64.
    """
    values, states, places = checked_entries(scores, labels, columns, num_classes)
    return _of_classes(values, ranked_entries(values, states, places, num_classes), num_classes)


def shrunk_thresholds(
    scores: ArrayOrTensor, labels: ArrayOrTensor, learnt: npt.ArrayLike | None = None
) -> npt.NDArray[np.float64]:
    """For each class, its best threshold, drawn towards that of all classes where labels are few.

    The best threshold by a handful of positives is chance: one positive that scores low makes it
    tag everything. So a class with n observed positives (or negatives, if these are fewer) gets
    ``w * own + (1 - w) * common`` with ``w = n / (n + 20)``: ``own`` is its
    :func:`best_thresholds`, ``common`` the threshold of the greatest F1 over the entries of all
    learnt classes together, as if they were one class. A class without n has ``common`` alone.

    Args:
        scores: Logits, which can be compared between classes, and averaged.
        labels: 1 present, 0 absent, -1 unobserved.
        learnt: Whether a class had a positive training label; without one, its threshold is
            infinite, so that it is never predicted. None: all had.
    Shapes: scores (N, C); labels (N, C); learnt (C,) bool; returns (C,) float64.
    Units: those of the scores.
    Raises: as :func:`best_thresholds`.
    Source: ours. The weight is that of a mean of n observations and a prior worth 20; among 10, 20
        and 50 no value was clearly better on voc-animals (docs/decisions.md).
    """
    checked, states = checked_pair(scores, labels)
    num_classes, observed = checked.shape[1], states >= 0
    columns = np.broadcast_to(np.arange(num_classes, dtype=np.int32), checked.shape)[observed]
    entries = checked[observed], states[observed], columns
    return shrunk_thresholds_entries(*entries, num_classes, learnt)


def shrunk_thresholds_entries(
    scores: ArrayOrTensor,
    labels: ArrayOrTensor,
    columns: ArrayOrTensor,
    num_classes: int,
    learnt: npt.ArrayLike | None = None,
) -> npt.NDArray[np.float64]:
    """``shrunk_thresholds`` from a list of observed entries, in O(entries) memory.

    Args, shapes and errors as ``average_precision_entries``; ``learnt`` as ``shrunk_thresholds``.
    """
    values, states, places = checked_entries(scores, labels, columns, num_classes)
    places = places.astype(np.int64)
    known = np.ones(num_classes, dtype=bool) if learnt is None else np.asarray(learnt, dtype=bool)
    own = best_thresholds_entries(values, states, places, num_classes)
    of_known = known[places]
    pooled = values[of_known], states[of_known], np.zeros(of_known.sum(), dtype=np.int8)
    common = best_thresholds_entries(*pooled, 1)[0]
    fewer = np.min(
        [np.bincount(places[states == state], minlength=num_classes) for state in (1, 0)], axis=0
    )
    weights = fewer / (fewer + PRIOR)
    return np.where(known, weights * own + (1 - weights) * common, np.inf)


def _of_classes(
    scores: Scores, rankings: Iterator[Ranking], num_classes: int
) -> npt.NDArray[np.float64]:
    finite = np.isfinite(scores)
    if not finite.all():
        refuse_scores(~finite, "infinite")
    return np.fromiter(map(_best_threshold, rankings), dtype=np.float64, count=num_classes)


def _best_threshold(ranking: Ranking) -> float:
    num_entries, num_hits = ranking.scores.size, ranking.hits.size
    if num_hits in (0, num_entries):
        return 0.0
    f1 = 2 * ranking.hits_above / (ranking.all_above + num_hits)
    best = num_hits - 1 - int(np.argmax(f1[::-1]))
    lowest_predicted = ranking.hits[best]
    num_below = num_entries - int(ranking.all_above[best])
    if num_below == 0:
        # In the type of the scores: a smaller step would be lost when converted to this type.
        with np.errstate(over="ignore", under="ignore"):
            return float(np.nextafter(lowest_predicted, lowest_predicted.dtype.type(-np.inf)))
    high, low = float(lowest_predicted), float(ranking.scores[num_below - 1])
    middle = low / 2 + high / 2
    return middle if low <= middle < high else low  # there may be no float64 between them
