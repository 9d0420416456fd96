"""Average precision by image, against a loop over its definition."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from largeloss.errors import InputError, LabelError
from largeloss.metrics import example_average_precision


def oracle(scores, labels):
    """Mean over tagged images of: mean over tags of the share of tags among classes at least as
    high."""
    values = []
    for row, truth in zip(scores, labels, strict=True):
        tags = [c for c, y in enumerate(truth) if y == 1]
        shares = []
        for tag in tags:
            above = [c for c in range(len(row)) if row[c] >= row[tag]]
            shares.append(len([c for c in above if truth[c] == 1]) / len(above))
        if shares:
            values.append(sum(shares) / len(shares))
    return sum(values) / len(values) if values else math.nan


@settings(database=None)
@given(st.integers(0, 10_000), st.integers(1, 8), st.integers(1, 6))
def test_equals_the_loop(seed, num_images, num_classes):
    stream = np.random.default_rng(seed)
    scores = stream.integers(-3, 4, (num_images, num_classes)).astype(float)
    labels = stream.integers(0, 2, (num_images, num_classes))
    got, expected = example_average_precision(scores, labels), oracle(scores, labels)
    assert got == pytest.approx(expected, nan_ok=True)


def test_tensors_are_welcome():
    assert example_average_precision(torch.tensor([[2.0, 1.0]]), torch.tensor([[0, 1]])) == 0.5


def test_unobserved_entries_are_refused():
    with pytest.raises(LabelError, match="needs complete labels, but 1 of 4 entries are unobs"):
        example_average_precision(np.zeros((2, 2)), [[1, 0], [-1, 1]])


def test_scores_that_are_not_numbers():
    with pytest.raises(InputError, match="NaN"):
        example_average_precision([[math.nan, 1.0]], [[1, 0]])


def test_infinite_scores_are_ranked_as_the_highest_and_lowest():
    scores = np.array([[np.inf, 1, 3.4e38, -np.inf], [2, np.inf, np.inf, 0]])
    labels = [[0, 1, 1, 0], [1, 1, 0, 1]]
    assert example_average_precision(scores, labels) == pytest.approx(oracle(scores, labels))
