"""How many missing tags the answers so far promise among the suggestions that are left.

The odds that the suggestion of rank r is a missing tag are taken to fall as a power of r; the two
numbers of that law are fitted to the answers of the class, with a weak prior, so that few answers
do not promise much. It is a forecast of what a ranking usually does: the audit measures.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NEEDED = 10
"""Fewer answers say nothing."""
WORTHWHILE = 0.1
"""An answer is worth it while at least one in ten finds a missing tag."""
BINS = 160
"""Four for every doubling of the rank: ranks up to 2 ** 40."""
_MEAN, _DEVIATION = np.array([0.0, -1.0]), np.array([2.0, 0.3])  # prior of the two numbers
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_EDGES = np.exp2(np.arange(BINS + 1) / 4)
_MIDDLES = np.sqrt(_EDGES[:-1] * _EDGES[1:])


class Outlook(NamedTuple):
    """Of the suggestions of a class that nobody has answered."""

    expected: int
    """Estimated missing tags among them."""
    worth: int
    """How many of them are worth an answer."""


def bin_of(rank: int) -> int:
    """The bin of a rank, which counts from 1."""
    return int(np.searchsorted(_EDGES, rank, side="right")) - 1


def bin_sizes(size: int) -> Ints:
    """(BINS,): how many of the ranks 1 to ``size`` each bin holds."""
    below = np.minimum(np.ceil(_EDGES) - 1, size).astype(np.int64)
    sizes: Ints = np.diff(below)
    return sizes


def outlook(yes: Ints, no: Ints, left: Ints) -> Outlook | None:
    """The outlook of a class; None with fewer than ``NEEDED`` answers.

    Args:
        yes: (BINS,): answers so far, by the bin of their rank.
        no: (BINS,): the same.
        left: (BINS,): suggestions without an answer.
    """
    if (yes + no).sum() < NEEDED:
        return None
    intercept, slope = _fitted(yes.astype(np.float64), no.astype(np.float64))
    shares = 1 / (1 + np.exp(-(intercept + slope * np.log(_MIDDLES))))
    worth = int(left[shares >= WORTHWHILE].sum())
    return Outlook(round(float(left @ shares)), worth)


def _fitted(yes: Floats, no: Floats) -> Floats:
    """(2,): intercept and slope of the log odds over the logarithm of the rank.

    Newton's steps up the posterior, which has one maximum; each is halved until it leads up.
    """
    used = yes + no > 0
    yes, number = yes[used], (yes + no)[used]
    design = np.stack([np.ones(len(number)), np.log(_MIDDLES[used])], axis=1)
    precision = np.diag(_DEVIATION**-2)

    def height(at: Floats) -> float:
        odds, off = design @ at, at - _MEAN
        return float(yes @ odds - number @ np.logaddexp(0, odds) - off @ precision @ off / 2)

    found = _MEAN.copy()
    for _ in range(50):
        shares = 1 / (1 + np.exp(-design @ found))
        gradient = design.T @ (yes - number * shares) - precision @ (found - _MEAN)
        curvature = design.T @ (design * (number * shares * (1 - shares))[:, None]) + precision
        step = np.linalg.solve(curvature, gradient)
        while height(found + step) < height(found) and np.abs(step).max() > 1e-9:
            step = step / 2
        found = found + step
        if np.abs(step).max() < 1e-9:
            break
    return np.array([found[0], min(0.0, found[1])])
