"""How many positives are missing from a split: true, and not observed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from largeloss.data.examine.split_counts import SplitCounts

_Z = 1.959963984540054  # the 97.5 % point of the normal distribution


@dataclass(frozen=True)
class MissingPositives:
    """An estimate with its interval, or the reason why there is none."""

    expected: float | None
    """Entries that are true and unobserved; None where labels alone cannot tell."""
    interval: tuple[float, float] | None
    """95 %."""
    how: str
    """How the number was got and what it supposes, or why there is none."""
    per_class: tuple[tuple[float, float, float] | None, ...]
    """(expected, low, high) of each class, the bounds rounded outwards to whole numbers of images;
    None where labels alone cannot tell."""


def estimate_missing(counts: SplitCounts) -> MissingPositives:
    """The share of presences among a class's observed entries, times its unobserved entries.

    This supposes that entries were observed at random. The interval of a class is Wilson's score
    interval, with ``1 / (1 / observed + 1 / unobserved)`` in place of the number of trials: the
    share is uncertain, and so is what chance makes of it in the unobserved entries. Intervals of
    classes are added as if classes were independent (squares of the distances to the bounds).

    A class of which no absence is observed says nothing, unless it is complete.
    """
    present, absent, unobserved = (
        np.array(values, dtype=np.float64)
        for values in (counts.present, counts.absent, counts.unobserved)
    )
    total = int(unobserved.sum())
    if not total:
        zero = ((0.0, 0.0, 0.0),) * len(present)
        return MissingPositives(0.0, (0.0, 0.0), "Every entry is observed: none is missing.", zero)
    known = (absent > 0) | (unobserved == 0)
    if not absent.any():
        seen = "Only presences are observed" if present.any() else "Nothing is observed"
        return MissingPositives(
            None,
            None,
            f"{seen}: labels alone cannot tell how many of {total} unobserved entries are "
            "true. To make it possible, annotate some randomly drawn images (or entries) "
            "completely, with 1 and 0.",
            (None,) * len(present),
        )
    values = _intervals(present, present + absent, unobserved)
    expected, low, high = values[:, known]
    middle = float(expected.sum())
    below = float(np.sqrt(np.square(expected - low).sum()))
    above = float(np.sqrt(np.square(high - expected).sum()))
    how = (
        "For each class, the share of presences among its observed entries × its unobserved "
        "entries. This supposes that entries were observed at random: where presences are "
        "annotated more readily than absences, it is too high."
    )
    if not known.all():
        left = int((~known).sum())
        how += (
            f" {left} of {len(known)} classes are left out: no absence of them is observed, so "
            "that labels alone cannot tell."
        )
    values[1], values[2] = np.floor(values[1]), np.ceil(values[2])
    listed = zip(known.tolist(), values.T.tolist(), strict=True)
    return MissingPositives(
        middle,
        (max(0.0, middle - below), min(float(unobserved[known].sum()), middle + above)),
        how,
        tuple((one[0], one[1], one[2]) if told else None for told, one in listed),
    )


def _intervals(
    present: NDArray[np.float64], observed: NDArray[np.float64], unobserved: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(3, C) expected, low and high numbers of missing positives; 0 where nothing is unobserved.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference,
    1927.
    """
    share = present / np.maximum(observed, 1)
    both = (observed > 0) & (unobserved > 0)
    trials = np.where(both, observed * unobserved / np.maximum(observed + unobserved, 1), 1)
    square = _Z**2
    centre = (share + square / (2 * trials)) / (1 + square / trials)
    spread = np.sqrt(share * (1 - share) / trials + square / (4 * trials**2)) * _Z
    spread /= 1 + square / trials
    low, high = np.clip(centre - spread, 0, share), np.clip(centre + spread, share, 1)
    return np.stack([share, low, high]) * unobserved
