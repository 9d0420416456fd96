"""Thresholds for an aim: of each class by itself, or shrunk towards one of all classes."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from largeloss.errors import InputError
from largeloss.metrics.aims import F1, Aim
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
    rankings = ranked_classes(checked, states)
    return _of_classes(checked, rankings, checked.shape[1], F1).thresholds


def best_thresholds_entries(
    scores: ArrayOrTensor, labels: ArrayOrTensor, columns: ArrayOrTensor, num_classes: int
) -> npt.NDArray[np.float64]:
    """``best_thresholds`` from a list of observed entries, in O(entries) memory.

    Args, shapes and errors as ``average_precision_entries``; returns (C,) float64.
    """
    values, states, places = checked_entries(scores, labels, columns, num_classes)
    rankings = ranked_entries(values, states, places, num_classes)
    return _of_classes(values, rankings, num_classes, F1).thresholds


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
    Raises: as :func:`best_thresholds`; InputError for ``learnt`` of a wrong shape.
    Source: ours. The weight is that of a mean of n observations and a prior worth 20; among 10, 20
        and 50 no value was clearly better on voc-animals (docs/contributing/decisions.md).
    """
    checked, states = checked_pair(scores, labels)
    return shrunk_thresholds_entries(*observed_entries(checked, states), checked.shape[1], learnt)


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
    return aimed_thresholds_entries(scores, labels, columns, num_classes, F1, learnt).thresholds


class AimedThresholds(NamedTuple):
    """Thresholds chosen for an aim."""

    thresholds: npt.NDArray[np.float64]
    """(C,); infinite where a class is never predicted."""
    reachable: npt.NDArray[np.bool_]
    """(C,): False where no threshold reaches the aim: none of the class itself or, for a class that
    has positives or negatives alone, none of all classes together."""


def aimed_thresholds_entries(
    scores: ArrayOrTensor,
    labels: ArrayOrTensor,
    columns: ArrayOrTensor,
    num_classes: int,
    aim: Aim,
    learnt: npt.ArrayLike | None = None,
) -> AimedThresholds:
    """``shrunk_thresholds`` for any aim, from a list of observed entries.

    For a precision, ``own`` and ``common`` find the most of the present entries that the precision
    allows; for a recall, they are the highest that reach it. A class in which no threshold reaches
    the aim is never predicted, and takes no part in ``common``. If the other classes together do
    not reach it either, each of them keeps its ``own``; one that has none is never predicted.

    Args, shapes and errors as ``average_precision_entries``; ``learnt`` as ``shrunk_thresholds``.
    """
    values, states, places = checked_entries(scores, labels, columns, num_classes)
    places = places.astype(np.int64)
    known = np.ones(num_classes, dtype=bool) if learnt is None else np.asarray(learnt, dtype=bool)
    if known.shape != (num_classes,):
        raise InputError(
            f"learnt must have the shape ({num_classes},), one bool per class, but has "
            f"{known.shape}."
        )
    own, reachable = _of_classes(
        values, ranked_entries(values, states, places, num_classes), num_classes, aim
    )
    fewer = np.min(
        [np.bincount(places[states == state], minlength=num_classes) for state in (1, 0)], axis=0
    )
    used = known & reachable
    among = used[places]
    pooled = values[among], states[among], np.zeros(among.sum(), dtype=np.int8)
    (common,), (reached,) = _of_classes(pooled[0], ranked_entries(*pooled, 1), 1, aim)
    if not fewer[used].any() and (known & ~reachable).any():
        reached = False  # only classes that cannot reach the aim have positives and negatives
    if reached:
        weights = fewer / (fewer + PRIOR)
        drawn = weights * own + (1 - weights) * common
    else:
        drawn, reachable = own, reachable & (fewer > 0)
    return AimedThresholds(np.where(known & reachable, drawn, np.inf), reachable)


def observed_entries(
    scores: Scores, labels: npt.NDArray[np.int8]
) -> tuple[Scores, npt.NDArray[np.int8], npt.NDArray[np.int32]]:
    """Scores, labels and classes (E,) of the observed entries of matrices (N, C)."""
    observed = labels >= 0
    columns = np.broadcast_to(np.arange(scores.shape[1], dtype=np.int32), scores.shape)[observed]
    return scores[observed], labels[observed], columns


def _of_classes(
    scores: Scores, rankings: Iterator[Ranking], num_classes: int, aim: Aim
) -> AimedThresholds:
    finite = np.isfinite(scores)
    if not finite.all():
        refuse_scores(~finite, "infinite")
    found = np.empty(num_classes)
    reachable = np.zeros(num_classes, dtype=bool)
    for column, ranking in enumerate(rankings):
        found[column], reachable[column] = _threshold(ranking, aim)
    return AimedThresholds(found, reachable)


def _threshold(ranking: Ranking, aim: Aim) -> tuple[float, bool]:
    num_entries, num_hits = ranking.scores.size, ranking.hits.size
    if num_hits in (0, num_entries):
        return 0.0, True
    best = aim.choose(ranking)
    if best is None:
        return float(ranking.scores[-1]), False
    lowest_predicted = ranking.hits[best]
    num_below = num_entries - int(ranking.all_above[best])
    if num_below == 0:
        # In the type of the scores: a smaller step would be lost when converted to this type.
        with np.errstate(over="ignore", under="ignore"):
            below = np.nextafter(lowest_predicted, lowest_predicted.dtype.type(-np.inf))
        return float(below), True
    high, low = float(lowest_predicted), float(ranking.scores[num_below - 1])
    middle = low / 2 + high / 2
    # There may be no float64 between them.
    return middle if low <= middle < high else low, True
