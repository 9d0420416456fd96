"""How far up the present entries of each class rank, on a logarithmic scale."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from largeloss.metrics.arrays import ArrayOrTensor, checked_pair
from largeloss.metrics.ranking import Ranking, ranked_classes

DIGITS = 12
"""Kept, so that orders that are equally good measure alike, whatever the rounding."""


def log_rank(scores: ArrayOrTensor, labels: ArrayOrTensor) -> npt.NDArray[np.float64]:
    """How far up the present entries of each class rank: 1 at the top, 0 as by chance.

    Of n observed entries the one at rank r, counted from the highest score, has the Savage score
    ``a(r) = 1/r + 1/(r+1) + … + 1/n``, which is about ``ln(n / r)``; the mean of all n is 1. With p
    present entries::

        log rank = (mean of a over the present entries - 1) / (mean of a(1) … a(p) - 1)

    Equal scores share the mean of theirs.

    Where only some presences are known and blanks count as absent, each class's log rank is on
    average a linear function of that by complete labels, if the known presences are a random share
    of all: it ranks models as complete labels do, but for chance. That holds for the area under the
    ROC curve as well, which takes the rank in place of its logarithm, and so counts what happens
    far from the top as much as what happens there; average precision looks at the top, and has no
    such property.

    Args:
        scores: Higher means more likely present.
        labels: 1 present, 0 absent, -1 unobserved; only observed entries count.
    Shapes: scores (N, C); labels (N, C); returns (C,) float64.
    Units: at most 1, negative where worse than chance: at worst -1 where half of the entries are
        present, lower where more are; NaN for a class without a present or without an absent entry.
    Raises: InputError, LabelError as ``average_precision``.
    Source: Savage, Annals of Mathematical Statistics 27, 1956 (the scores).
    """
    checked, states = checked_pair(scores, labels)
    found = map(_log_rank, ranked_classes(checked, states))
    return np.fromiter(found, dtype=np.float64, count=checked.shape[1])


def _log_rank(ranking: Ranking) -> float:
    hits, scores, last = ranking.hits, ranking.scores, ranking.all_above
    if not 0 < hits.size < scores.size:
        return np.nan
    harmonic = _harmonic(scores.size)
    first = scores.size - scores.searchsorted(hits, "right")  # so many score higher
    highest = last * (1 + harmonic[-1] - harmonic[last])  # the sum of a(1) … a(last)
    higher = first * (1 + harmonic[-1] - harmonic[first])
    savage = (highest - higher) / (last - first)
    reached = (np.add.reduce(savage) / hits.size - 1) / (harmonic[-1] - harmonic[hits.size])
    return round(float(reached), DIGITS)


@lru_cache(maxsize=4)
def _harmonic(size: int) -> npt.NDArray[np.float64]:
    """(size + 1,): 1 + 1/2 + … + 1/k at place k."""
    found = np.zeros(size + 1)
    np.cumsum(1 / np.arange(1, size + 1), out=found[1:])
    found.flags.writeable = False
    return found
