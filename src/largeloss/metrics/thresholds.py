"""The threshold of each class that maximises its F1."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from largeloss.metrics.arrays import ArrayOrTensor, Scores, checked_pair, refuse_scores
from largeloss.metrics.average_precision import checked_entries
from largeloss.metrics.ranking import Ranking, ranked_classes, ranked_entries


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
