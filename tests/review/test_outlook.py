"""What is to be expected of the suggestions that are left, beside sums over single ranks."""

import math

import numpy as np

from largeloss.review.outlook import BINS, NEEDED, bin_of, bin_sizes, outlook


def binned(ranks):
    found = np.zeros(BINS, np.int64)
    for rank in ranks:
        found[bin_of(rank)] += 1
    return found


def test_bins_hold_every_rank_once():
    for size in (0, 1, 2, 5, 17, 1000):
        np.testing.assert_array_equal(bin_sizes(size), binned(range(1, size + 1)))
    assert bin_sizes(10**9).sum() == 10**9


def test_nothing_is_said_of_few_answers():
    few = binned(range(1, NEEDED))
    assert outlook(few, binned([]), bin_sizes(100) - few) is None


def test_the_forecast_is_near_where_odds_fall_as_a_power_of_the_rank():
    size, answered = 20_000, 300
    ranks = np.arange(1, size + 1)
    shares = 1 / (1 + np.exp(-(3 - 1.1 * np.log(ranks))))
    errors = []
    for seed in range(20):
        missing = np.random.default_rng(seed).random(size) < shares
        yes = binned(ranks[:answered][missing[:answered]])
        no = binned(ranks[:answered][~missing[:answered]])
        found = outlook(yes, no, bin_sizes(size) - yes - no)
        errors.append(found.expected / shares[answered:].sum())
        assert found.worth <= (shares > 0.03).sum()
    assert 0.7 < np.median(errors) < 1.4


def test_the_fit_is_the_highest_point_of_a_fine_grid():
    ranks = list(range(1, 41))
    missing = [rank < 20 and rank % 3 > 0 for rank in ranks]
    yes = binned(rank for rank, one in zip(ranks, missing, strict=True) if one)
    no = binned(rank for rank, one in zip(ranks, missing, strict=True) if not one)
    middles = [2 ** ((k + 0.5) / 4) for k in range(BINS)]
    best, chosen = -math.inf, (0.0, 0.0)
    for intercept in np.linspace(0, 6, 61):
        for slope in np.linspace(-2, 0, 81):
            height = -(intercept**2) / (2 * 2.0**2) - (slope + 1) ** 2 / (2 * 0.3**2)
            for k in np.flatnonzero(yes + no).tolist():
                odds = intercept + slope * math.log(middles[k])
                height -= yes[k] * math.log1p(math.exp(-odds)) + no[k] * math.log1p(math.exp(odds))
            if height > best:
                best, chosen = height, (intercept, slope)
    left = bin_sizes(1000) - yes - no
    expected = sum(
        left[k] / (1 + math.exp(-(chosen[0] + chosen[1] * math.log(middles[k]))))
        for k in range(BINS)
    )
    assert abs(outlook(yes, no, left).expected - expected) < 0.05 * expected
