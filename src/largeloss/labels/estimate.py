"""How many tags an image has on average, estimated from the observed labels."""

import numpy as np
from numpy.typing import NDArray

from largeloss.labels.table import LabelTable


def expected_positives(table: LabelTable, rows: NDArray[np.int64]) -> tuple[float, str]:
    """An estimate of kappa, and in words how it was made.

    With observed absences: the share of presences among the observed entries, times the number of
    classes, which supposes that entries were observed at random. Without: the mean number of
    observed tags, which is a lower bound.

    Args:
        table: (N, C) labels.
        rows: The images to estimate from.
    """
    chosen = table.select(rows)
    positives, observed = int((chosen.states == 1).sum()), chosen.num_observed
    if observed > positives:
        share = positives / observed
        return share * table.num_classes, "share of presences among observed entries × classes"
    return positives / max(1, len(rows)), "mean number of observed tags: a lower bound"
