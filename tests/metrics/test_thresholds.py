import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from metric_oracles import (
    best_threshold_loop,
    f1_of_cut,
    make_data,
    observed_column,
    shrunk_threshold_loop,
)

from largeloss.errors import InputError
from largeloss.metrics import (
    best_thresholds,
    best_thresholds_entries,
    shrunk_thresholds,
    shrunk_thresholds_entries,
)


def check_against_loop(scores, labels):
    result = best_thresholds(scores, labels)
    assert result.shape == (scores.shape[1],)
    assert result.dtype == np.float64
    for column, threshold in enumerate(result):
        pairs = observed_column(scores, labels, column)
        expected = best_threshold_loop(pairs)
        if expected is None:
            assert threshold < min(s for s, _ in pairs)
            assert f1_of_cut(pairs, threshold) == f1_of_cut(pairs, -np.inf)
        else:
            assert threshold == pytest.approx(expected, rel=1e-15, abs=1e-300)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("levels", [None, 1, 4])
@pytest.mark.parametrize("observed", [1.0, 0.5, 0.05])
def test_equals_trying_every_cut(dtype, levels, observed):
    check_against_loop(*make_data(31, observed=observed, levels=levels, dtype=dtype))


@settings(max_examples=200)
@given(
    hnp.arrays(np.float64, (8, 2), elements=st.floats(-4, 4, width=16)),
    hnp.arrays(np.int8, (8, 2), elements=st.integers(-1, 1)),
)
def test_equals_trying_every_cut_on_anything(scores, labels):
    check_against_loop(scores, labels)


def test_midway_and_the_highest_of_equals():
    assert best_thresholds([[1.0], [3.0]], [[0], [1]]) == 2.0
    # Predicting the first alone and predicting all four both give F1 2/3.
    scores, labels = [[4.0], [3.0], [2.0], [1.0]], [[1], [0], [0], [1]]
    assert best_thresholds(scores, labels) == 3.5


def test_one_state_only_gives_one_half():
    scores = np.array([[5.0, 5.0, 5.0], [6.0, 6.0, 6.0]])
    labels = np.array([[1, 0, -1], [1, 0, -1]])
    np.testing.assert_array_equal(best_thresholds(scores, labels), [0, 0, 0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("level", [0.0, 1.0, -2.5])
def test_all_tied_is_predicted_in_the_scores_own_type(dtype, level):
    scores = np.full((3, 1), level, dtype=dtype)
    threshold = best_thresholds(scores, [[1], [0], [1]])
    assert (scores > threshold.astype(dtype)).all()


def test_lowest_float_warns_of_nothing():
    scores = np.full((2, 1), np.finfo(np.float32).min, dtype=np.float32)
    assert (scores > best_thresholds(scores, [[1], [0]])).all()


def test_neighbouring_floats_are_told_apart():
    for dtype in (np.float32, np.float64):
        low = dtype(1.0)
        high = np.nextafter(low, dtype(2))
        threshold = best_thresholds(np.array([[low], [high]]), [[0], [1]])[0]
        assert low <= threshold < high


def test_huge_scores_do_not_overflow():
    assert best_thresholds([[1e308], [1.5e308]], [[0], [1]]) == pytest.approx(1.25e308)


def test_row_order_changes_nothing():
    scores, labels = make_data(32, observed=0.7, levels=4)
    order = np.random.default_rng(0).permutation(len(scores))
    np.testing.assert_array_equal(
        best_thresholds(scores[order], labels[order]), best_thresholds(scores, labels)
    )


def test_tensors():
    scores, labels = make_data(33)
    tensor = torch.from_numpy(scores).requires_grad_()
    np.testing.assert_array_equal(
        best_thresholds(tensor, torch.from_numpy(labels)), best_thresholds(scores, labels)
    )
    half = tensor.bfloat16()
    np.testing.assert_array_equal(
        best_thresholds(half, labels), best_thresholds(half.detach().float().numpy(), labels)
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_refuses_what_is_not_finite(value):
    scores, labels = make_data(34)
    scores[5, 2] = value
    with pytest.raises(InputError, match=r"row 5, class 2"):
        best_thresholds(scores, labels)


def test_an_infinite_score_in_a_list_is_refused():
    scores, columns = np.array([0.5, np.inf]), np.zeros(2, dtype=np.int64)
    with pytest.raises(InputError, match="1 of 2 scores are infinite; the first is at entry 1"):
        best_thresholds_entries(scores, np.array([0, 1]), columns, 1)


@pytest.mark.parametrize("observed", [1.0, 0.5, 0.05])
def test_finding_01_thresholds_of_few_positives_are_shrunk_towards_the_common_one(observed):
    scores, labels = make_data(37, observed=observed, dtype=np.float64)
    learnt = np.array([True, True, False, True, True, True, True])
    labels[:, 1] = np.minimum(labels[:, 1], 0)  # not one positive
    expected = [shrunk_threshold_loop(scores, labels, c, learnt) for c in range(7)]
    found = shrunk_thresholds(scores, labels, learnt)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert np.isposinf(found[2])
    rows, columns = np.nonzero(labels >= 0)
    entries = scores[rows, columns], labels[rows, columns], columns, 7
    np.testing.assert_array_equal(shrunk_thresholds_entries(*entries, learnt), found)
    everywhere = shrunk_thresholds(scores, labels)
    assert np.isfinite(everywhere).all()


@pytest.mark.parametrize("learnt", [[True], [True, False, True], [[True, True]]])
def test_learnt_of_another_shape_is_refused(learnt):
    with pytest.raises(InputError, match=r"learnt must have the shape \(2,\), .* but has"):
        shrunk_thresholds(np.ones((3, 2)), np.zeros((3, 2)), learnt)


def test_nothing_observed_gives_one_half_and_nothing_learnt_gives_no_tag():
    scores, labels = np.ones((3, 2)), np.full((3, 2), -1)
    np.testing.assert_array_equal(shrunk_thresholds(scores, labels), [0, 0])
    np.testing.assert_array_equal(shrunk_thresholds(scores, labels, [False, False]), np.inf)
