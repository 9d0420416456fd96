"""Intervals of a share in a finite population, beside sums of exact probabilities."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest

from largeloss.metrics.finite_share import Share, Stratum, finite_share, stratified_share


def probability(found, number, marked, population):
    ways = comb(marked, found) * comb(population - marked, number - found)
    return Fraction(ways, comb(population, number))


def limits(present, number, population):
    """The shares that a two-sided test at 5 % does not reject: by trying them all."""
    kept = []
    for marked in range(present, population - (number - present) + 1):
        each = [probability(found, number, marked, population) for found in range(number + 1)]
        if min(sum(each[present:]), sum(each[: present + 1])) > Fraction(1, 40):
            kept.append(marked)
    return kept[0] / population, kept[-1] / population


@pytest.mark.parametrize("population", [1, 7, 37])
def test_the_limits_are_those_of_the_exact_test(population):
    for number in {1, population // 2, population} - {0}:
        for present in range(number + 1):
            found = finite_share(Stratum(population, present, number - present))
            assert found.estimate == present / number
            assert (found.low, found.high) == limits(present, number, population)
    whole = finite_share(Stratum(population, population, 0))
    assert whole == Share(1, 1, 1)  # everything was looked at


def test_unsure_answers_widen_the_interval_to_what_they_may_be():
    found = finite_share(Stratum(1000, 5, 40, unsure=5))
    assert found.estimate == 5 / 45
    assert found.low == finite_share(Stratum(1000, 5, 45)).low
    assert found.high == finite_share(Stratum(1000, 10, 40)).high
    assert finite_share(Stratum(1000, 0, 0, unsure=3)).estimate is None
    assert finite_share(Stratum(1000, 0, 0)) == Share(None, 0, 1)


def test_intervals_cover_the_truth_in_at_least_95_of_100_samples():
    stream = np.random.default_rng(0)
    strata = [(3000, 15), (500, 100), (60, 40), (1200, 0), (2000, 300)]  # population, present
    whole = sum(size for size, _ in strata)
    truth = sum(present for _, present in strata) / whole
    rounds, covered, estimates = 400, np.zeros(len(strata) + 1), []
    for _ in range(rounds):
        parts = []
        for place, (size, present) in enumerate(strata):
            seen = int(stream.hypergeometric(present, size - present, 30))
            parts.append(Stratum(size, seen, 30 - seen))
            found = finite_share(parts[-1])
            covered[place] += found.low <= present / size <= found.high
        found = stratified_share(parts)
        by_hand = sum(
            size * part.present / 30 for (size, _), part in zip(strata, parts, strict=True)
        )
        assert found.estimate == pytest.approx(by_hand / whole)
        covered[-1] += found.low <= truth <= found.high
        estimates.append(by_hand / whole)
    assert (covered / rounds >= 0.95).all(), covered / rounds
    spread = np.std(estimates) / np.sqrt(rounds)
    assert abs(np.mean(estimates) - truth) < 4 * spread  # unbiased


def test_several_strata():
    one, two = Stratum(100, 2, 8), Stratum(300, 1, 9)
    assert stratified_share([one]).estimate == finite_share(one).estimate
    assert stratified_share([one]).low == pytest.approx(finite_share(one).low)
    assert stratified_share([one]).high == pytest.approx(finite_share(one).high)
    both = stratified_share([one, two, Stratum(1000, 0, 0)])  # of the last nothing is known
    assert both.estimate == pytest.approx((100 * 0.2 + 300 * 0.1) / 400)
    assert both.low < 0.125 < both.high
    assert stratified_share([]) == Share(None, 0, 1)


@pytest.mark.parametrize(
    "present", [(25,) * 100, (12, 25, 25, 37, 25, 37, 37, 180, 25, 25, 37, 37)]
)
def test_many_strata_with_hardly_a_yes_are_covered_from_below_and_above(present):
    stream = np.random.default_rng(0)
    size, rounds, below, above = 1250, 300, 0, 0
    truth = sum(present) / (size * len(present))
    for _ in range(rounds):
        seen = stream.hypergeometric(present, size - np.array(present), 50).tolist()
        found = stratified_share([Stratum(size, yes, 50 - yes) for yes in seen])
        below += truth < found.low
        above += truth > found.high
    assert below <= 0.04 * rounds  # 2.5 in 100, and what chance adds in so many rounds
    assert above <= 0.04 * rounds


@pytest.mark.parametrize(("share", "answers"), [(0.98, 50), (0.9, 10)])
def test_many_strata_with_hardly_a_no_are_covered_from_above(share, answers):
    stream = np.random.default_rng(0)
    size, rounds, above = 1000, 400, 0
    for _ in range(rounds):
        seen = stream.hypergeometric(round(share * size), round((1 - share) * size), answers, 20)
        found = stratified_share([Stratum(size, yes, answers - yes) for yes in seen.tolist()])
        above += share > found.high
    assert above <= 0.04 * rounds  # 2.5 in 100, and what chance adds in so many rounds
