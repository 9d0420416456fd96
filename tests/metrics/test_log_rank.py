from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from metric_oracles import ANYTHING, log_rank_loop, make_data

from largeloss.errors import InputError, LabelError
from largeloss.metrics import log_rank


def test_worked_example():
    scores = np.array([[0.9], [0.8], [0.8], [0.1], [0.95]])
    labels = np.array([[1], [0], [1], [0], [-1]])
    first, second, third = 1 + 1 / 2 + 1 / 3 + 1 / 4, 1 / 2 + 1 / 3 + 1 / 4, 1 / 3 + 1 / 4
    expected = ((first + (second + third) / 2) / 2 - 1) / ((first + second) / 2 - 1)
    assert log_rank(scores, labels) == pytest.approx([expected], abs=1e-12)


def test_the_ends_of_its_scale():
    labels = np.array([[1, 0], [1, 0], [0, 0], [0, 1]])
    scores = np.array([[4, 4.0], [3, 3], [2, 2], [1, 1]])
    top, bottom = log_rank(scores, labels)
    assert (top, bottom < -0.5) == (pytest.approx(1, abs=1e-14), True)
    equal = log_rank(np.zeros((4, 2)), labels)
    np.testing.assert_allclose(equal, 0, atol=1e-14)


def test_orders_that_are_equally_good_measure_alike():
    for size in (10, 31, 1000):
        for present in (1, 2, 7):
            labels = (np.arange(size) < present)[:, None]
            for scores in (-np.arange(size), np.where(labels[:, 0], 5, -np.arange(size))):
                assert log_rank(scores[:, None].astype(float), labels.astype(int)) == [1.0]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("levels", [None, 1, 3, 20])
@pytest.mark.parametrize("observed", [1.0, 0.5, 0.05])
def test_equals_the_loop(dtype, levels, observed):
    scores, labels = make_data(1, observed=observed, levels=levels, dtype=dtype)
    expected = log_rank_loop(scores, labels)
    np.testing.assert_allclose(log_rank(scores, labels), expected, rtol=0, atol=1e-12)


@settings(max_examples=50)
@given(*ANYTHING)
def test_equals_the_loop_on_anything(scores, labels):
    found = log_rank(scores, labels)
    np.testing.assert_allclose(found, log_rank_loop(scores, labels), rtol=0, atol=1e-12)
    for column, value in enumerate(found):
        own = labels[labels[:, column] >= 0, column]
        assert np.isnan(value) == (not 0 < own.sum() < len(own))


def test_with_blanks_as_absent_it_is_linear_in_what_complete_labels_give():
    """On average over which tags are known: the same line, through 0, for every model."""
    stream = np.random.default_rng(2)
    truth = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0])
    slopes = []
    for _ in range(4):
        scores = stream.normal(size=(9, 1)) + truth[:, None]
        known = np.zeros((9, 6), dtype=np.int8)
        for column, pair in enumerate(combinations(range(4), 2)):
            known[list(pair), column] = 1
        naive = log_rank(np.repeat(scores, 6, 1), known).mean()
        slopes.append(naive / log_rank(scores, truth[:, None])[0])
    np.testing.assert_allclose(slopes, slopes[0], rtol=1e-10)
    assert 0.5 < slopes[0] < 1


def test_what_happens_at_the_top_counts_more():
    """As in average precision, and unlike in the area under the ROC curve."""
    labels, places = np.zeros((100, 1)), np.arange(100.0)[:, None]
    labels[[0, 50]] = 1
    base = log_rank(-places, labels)[0]
    for row, better in ((0, False), (50, True)):
        moved = np.delete(labels, row, 0)
        by = 10 if not better else -10
        worse = np.insert(moved, row + by, 1, 0)
        change = log_rank(-places, worse)[0] - base
        assert change < -0.3 if row == 0 else 0 < change < 0.05


def test_what_is_no_score_or_label_is_refused():
    with pytest.raises(InputError):
        log_rank(np.array([[np.nan]]), np.array([[1]]))
    with pytest.raises(LabelError):
        log_rank(np.array([[1.0]]), np.array([[2]]))
