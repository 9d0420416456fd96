"""Which classes occur together, counted over the observed labels."""

import numpy as np
from numpy.typing import NDArray

from largeloss.labels.table import PRESENT, LabelTable

_CHUNK = 8_000_000  # entries at once


def co_occurrence(table: LabelTable, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """(C, C): the influence of class i (row) on class j (column), from the images ``rows``.

    Off the diagonal the share of images with j among those with i in which j was observed; 1 on
    the diagonal; every column is then divided by its sum, so that mixed labels stay in range.
    With one positive per image it is the identity.
    """
    together, counted = (np.zeros((table.num_classes, table.num_classes)) for _ in range(2))
    length = max(1, _CHUNK // table.num_classes)
    for start in range(0, len(rows), length):
        labels = table.lookup(rows[start : start + length])
        present = (labels == PRESENT).astype(np.float32)
        together += present.T @ present
        counted += present.T @ (labels >= 0).astype(np.float32)
    shares = np.divide(together, counted, out=np.zeros_like(together), where=counted > 0)
    np.fill_diagonal(shares, 1.0)
    influence: NDArray[np.float64] = shares / shares.sum(axis=0)
    return influence
