"""The entries of each class with the highest scores, of matrices that come a batch at a time."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Ranked(NamedTuple):
    """K entries, the highest score first; equal ones by row, then by class."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    scores: NDArray[np.float64]


class BestEntries:
    """Keeps the ``per_class`` best entries of each of C classes, in O(C × per_class) memory.

    Equal scores are kept in the order in which they were added.
    """

    def __init__(self, num_classes: int, per_class: int) -> None:
        self.per_class = per_class
        self._lowest = np.full(num_classes, -np.inf)  # of a class that is full
        self._parts: list[Ranked] = []
        self._held = 0

    def add(
        self, rows: NDArray[np.int64], scores: NDArray[np.float64], chosen: NDArray[np.bool_]
    ) -> None:
        """Adds the entries of ``scores`` (B, C) that are ``chosen`` (B, C); ``rows`` (B,)."""
        places, columns = np.nonzero(chosen & (scores > self._lowest))
        self._parts.append(Ranked(rows[places], columns, scores[places, columns]))
        self._held += len(places)
        if self._held > 2 * self.per_class * len(self._lowest):
            self._reduce()

    def ranked(self) -> Ranked:
        """The entries that are kept."""
        rows, columns, scores = self._reduce()
        order = np.lexsort((columns, rows, -scores))
        return Ranked(rows[order], columns[order], scores[order])

    def _reduce(self) -> Ranked:
        """Drops what is not among the best of its class."""
        rows = np.concatenate([np.empty(0, np.int64), *(part.rows for part in self._parts)])
        columns = np.concatenate([np.empty(0, np.int64), *(part.columns for part in self._parts)])
        scores = np.concatenate([np.empty(0), *(part.scores for part in self._parts)])
        order = np.lexsort((-scores, columns))  # stable
        counts = np.bincount(columns, minlength=len(self._lowest))
        begins = np.cumsum(counts) - counts
        rank = np.arange(len(order)) - begins[columns[order]]
        kept = order[rank < self.per_class]
        last = order[rank == self.per_class - 1]
        self._lowest[columns[last]] = scores[last]
        held = Ranked(rows[kept], columns[kept], scores[kept])
        self._parts, self._held = [held], len(kept)
        return held
