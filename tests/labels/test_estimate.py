import math

import numpy as np
import pytest

from largeloss.labels import LabelTable, fraction
from largeloss.labels.estimate import best_bin_priors, expected_positives


def test_with_observed_absences_the_share_of_presences_counts():
    truth = (np.random.default_rng(0).random((400, 10)) < 0.23).astype(int)
    known = fraction(LabelTable.from_dense(truth), 0.3)
    value, how = expected_positives(known, np.arange(400))
    assert value == pytest.approx(truth.sum(axis=1).mean(), rel=0.1)
    assert "share" in how


def test_with_tags_alone_it_is_a_lower_bound():
    table = LabelTable.from_dense([[1, -1, -1], [1, 1, -1], [0, 0, 0]])
    assert expected_positives(table, np.array([0, 1])) == (
        1.5,
        "mean number of observed tags: a lower bound",
    )


def test_a_reviewers_few_absences_are_no_random_sample():
    states = np.full((400, 10), -1)
    states[np.arange(400), np.arange(400) % 10] = 1  # one tag per image
    states[:60, 9] = 0  # answers
    value, how = expected_positives(LabelTable.from_dense(states), np.arange(400))
    assert value < 1.01
    assert "lower bound" in how


def best_bin_by_loops(images, positives):
    """The prior of one class, before it is drawn to the mean ratio."""
    n, tagged = sum(images), sum(positives)
    noise = math.sqrt(math.log(400) / (2 * n)) + math.sqrt(math.log(400) / (2 * tagged))
    bounds = []
    for z in range(len(images)):
        q, q_p = sum(images[z:]) / n, sum(positives[z:]) / tagged
        if q_p:
            bounds.append((q / q_p + 1.01 / q_p * noise, q / q_p))
    return min(bounds, key=lambda pair: pair[0])[1]


@pytest.mark.parametrize("seed", range(5))
def test_the_best_bin_by_loops(seed):
    stream = np.random.default_rng(seed)
    positives = stream.integers(0, 5 + np.arange(12) * 5, (4, 12))
    images = positives + stream.integers(0, 60, (4, 12))
    images[:, 0] += 2000 - images.sum(axis=1)  # each class has the same images
    pairs = zip(images.tolist(), positives.tolist(), strict=True)
    raw = [best_bin_by_loops(*pair) for pair in pairs]
    counts = positives.sum(axis=1).tolist()
    ratio = sum(raw) / (sum(counts) / 2000)
    expected = [
        min(1, max(k / 2000, (k * prior + 20 * ratio * k / 2000) / (k + 20)))
        for k, prior in zip(counts, raw, strict=True)
    ]
    assert best_bin_priors(images, positives) == pytest.approx(expected, abs=1e-12)


def test_without_any_tag_priors_are_0():
    images = np.array([[5, 5], [3, 7]])
    assert best_bin_priors(images, np.zeros_like(images)).tolist() == [0, 0]
