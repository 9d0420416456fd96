"""One class after another, ranked by sorting values alone (no argsort).

Both average precision and the best threshold need, at each positive's score, only two counts:
how many positives and how many entries score at least as much. Two value sorts and a binary
search give them, ties grouped, exactly, for every float type.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from largeloss.metrics.arrays import Labels, Scores

# Sixteen float32 are one cache line: a block of so many columns is read without waste.
CLASSES_PER_BLOCK = 16


class Ranking(NamedTuple):
    """The observed entries of one class: n entries, p of them positive."""

    scores: npt.NDArray[Any]
    """(n,) all scores, ascending; left unsorted where there is no positive."""
    hits: npt.NDArray[Any]
    """(p,) scores of the positives, ascending."""
    hits_above: npt.NDArray[np.intp]
    """(p,) how many positives score at least ``hits[i]``."""
    all_above: npt.NDArray[np.intp]
    """(p,) how many entries score at least ``hits[i]``."""


def rank(scores: npt.NDArray[Any], labels: Labels) -> Ranking:
    """Rank the entries of one class: scores (n,) without NaN, labels (n,) of 1 and 0."""
    hits = np.sort(scores[labels == 1])
    if hits.size == 0:
        nothing = np.zeros(0, dtype=np.intp)
        return Ranking(scores, hits, nothing, nothing)
    ranked = np.sort(scores)
    hits_above = hits.size - np.searchsorted(hits, hits)
    all_above = ranked.size - np.searchsorted(ranked, hits)
    return Ranking(ranked, hits, hits_above, all_above)


def ranked_classes(scores: Scores, labels: Labels) -> Iterator[Ranking]:
    """The rankings of the C columns, in order, over the observed entries of (N, C) matrices."""
    for start in range(0, scores.shape[1], CLASSES_PER_BLOCK):
        block = slice(start, start + CLASSES_PER_BLOCK)
        columns = np.ascontiguousarray(scores[:, block].T)
        states = np.ascontiguousarray(labels[:, block].T)
        for column, state in zip(columns, states, strict=True):
            observed = state >= 0
            yield rank(column, state) if observed.all() else rank(column[observed], state[observed])
