"""Intervals for a share in a finite population, of a sample that was drawn without replacement."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

CONFIDENCE = 0.95
_NORMAL = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


@dataclass(frozen=True)
class Share:
    """A share, and limits that hold in 95 of 100 samples."""

    estimate: float | None
    """None where no answer is a yes or a no."""
    low: float
    high: float


@dataclass(frozen=True)
class Stratum:
    """A part of the population, and a simple random sample of it.

    ``unsure`` answers are part of the sample: nobody knows what they are.
    """

    population: int
    present: int
    absent: int
    unsure: int = 0

    @property
    def answered(self) -> int:
        """The size of the sample."""
        return self.present + self.absent + self.unsure


def finite_share(stratum: Stratum) -> Share:
    """The share of a stratum that is present.

    The limits are exact: those of Clopper and Pearson, for the hypergeometric distribution in place
    of the binomial one. The lower one takes all unsure answers for absent, the upper one for
    present; the estimate leaves them out.

    Source: Clopper and Pearson, Biometrika 1934; Buonaccorsi, The American Statistician 1987.
    """
    number, population = stratum.answered, stratum.population
    if not number:
        return Share(None, 0, 1)
    decided = stratum.present + stratum.absent
    low = _fewest(stratum.present, number, population)
    high = population - _fewest(stratum.absent, number, population)
    return Share(
        stratum.present / decided if decided else None, low / population, high / population
    )


def stratified_share(strata: Sequence[Stratum]) -> Share:
    """The share of several strata together; those without an answer are left out.

    The estimate weights each stratum by its size, and is unbiased. Its limits recover the variance
    of each stratum from the distance between its share and its own limits, which stays right where
    a sample has no yes at all. Of many strata with hardly a yes the lower limit would come out too
    high (a share near 0 is near its own lower limit, too), and with hardly a no the upper one too
    low: both lie at least 1.96 standard errors from the estimate.

    Source: Zou and Donner, Statistics in Medicine 2008 (method of variance estimates recovery);
    Cochran, Sampling Techniques, 1977, section 5.4 (the standard error).
    """
    used = [one for one in strata if one.answered]
    whole = sum(one.population for one in used)
    if not whole:
        return Share(None, 0, 1)
    shares = [finite_share(one) for one in used]
    weights = [one.population / whole for one in used]
    centres = [
        (one.present / one.answered, (one.present + one.unsure) / one.answered) for one in used
    ]
    low, high = (sum(w * one[k] for w, one in zip(weights, centres, strict=True)) for k in (0, 1))
    below, above = (
        math.sqrt(
            sum(
                (weight * (centre[k] - limit)) ** 2
                for weight, centre, limit in zip(weights, centres, limits, strict=True)
            )
        )
        for k, limits in enumerate(([one.low for one in shares], [one.high for one in shares]))
    )
    if len(used) > 1:
        errors = (
            math.sqrt(
                sum(
                    weight**2 * _variance(one, centre[k])
                    for weight, one, centre in zip(weights, used, centres, strict=True)
                )
            )
            for k in (0, 1)
        )
        below, above = (
            max(distance, _NORMAL * error)
            for distance, error in zip((below, above), errors, strict=True)
        )
    decided = [
        (weight, one.estimate)
        for weight, one in zip(weights, shares, strict=True)
        if one.estimate is not None
    ]
    total = sum(weight for weight, _ in decided)
    estimate = sum(weight * share for weight, share in decided) / total if decided else None
    return Share(estimate, max(0.0, low - below), min(1.0, high + above))


def _variance(stratum: Stratum, share: float) -> float:
    """Of the share of a sample, estimated from it; of a single answer that of a tossed coin."""
    left = 1 - stratum.answered / stratum.population
    if stratum.answered == 1:
        return left / 4
    return left * share * (1 - share) / (stratum.answered - 1)


@lru_cache(maxsize=100_000)
def _fewest(seen: int, number: int, population: int) -> int:
    """The smallest count in the population for which ``seen`` or more of ``number`` drawn are no
    surprise: with a probability above half of what the confidence leaves."""
    low, high = seen, population - (number - seen)
    while low < high:
        middle = (low + high) // 2
        if _at_least(seen, number, middle, population) > (1 - CONFIDENCE) / 2:
            high = middle
        else:
            low = middle + 1
    return low


def _at_least(seen: int, number: int, marked: int, population: int) -> float:
    """The probability that at least ``seen`` of ``number`` drawn are among ``marked``."""
    whole = _log_choose(population, number)
    most = min(number, marked)
    return math.fsum(
        math.exp(
            _log_choose(marked, found) + _log_choose(population - marked, number - found) - whole
        )
        for found in range(seen, most + 1)
        if number - found <= population - marked
    )


def _log_choose(number: int, chosen: int) -> float:
    return math.lgamma(number + 1) - math.lgamma(chosen + 1) - math.lgamma(number - chosen + 1)
