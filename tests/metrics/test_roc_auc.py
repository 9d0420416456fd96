from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from metric_oracles import make_data, roc_auc_loop
from sklearn.metrics import roc_auc_score

from largeloss.errors import InputError, LabelError
from largeloss.metrics import roc_auc


def test_worked_example():
    scores = np.array([[0.9], [0.8], [0.8], [0.1], [0.95]])
    labels = np.array([[1], [0], [1], [0], [-1]])
    assert roc_auc(scores, labels) == pytest.approx([(1 + 1 + 0.5 + 1) / 4])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("levels", [None, 1, 3, 20])
@pytest.mark.parametrize("observed", [1.0, 0.5, 0.05])
def test_equals_the_loop(dtype, levels, observed):
    scores, labels = make_data(1, observed=observed, levels=levels, dtype=dtype)
    expected = roc_auc_loop(scores, labels)
    np.testing.assert_allclose(roc_auc(scores, labels), expected, rtol=0, atol=1e-12)


@settings(max_examples=50)
@given(
    hnp.arrays(np.float32, (12, 2), elements=st.floats(-4, 4, width=16)),
    hnp.arrays(np.int8, (12, 2), elements=st.integers(-1, 1)),
)
def test_equals_scikit_learn_on_anything(scores, labels):
    for column, value in enumerate(roc_auc(scores, labels)):
        kept = labels[:, column] >= 0
        own = labels[kept, column]
        if 0 < own.sum() < len(own):
            assert value == pytest.approx(roc_auc_score(own, scores[kept, column]), abs=1e-12)
        else:
            assert np.isnan(value)


def test_with_blanks_as_absent_it_is_linear_in_what_complete_labels_give():
    """On average over which tags are known: the same line for every model."""
    stream = np.random.default_rng(2)
    truth = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0])
    points = []
    for _ in range(4):
        scores = stream.normal(size=(9, 1)) + truth[:, None]
        known = np.zeros((9, 6), dtype=np.int8)
        for column, pair in enumerate(combinations(range(4), 2)):
            known[list(pair), column] = 1
        naive = roc_auc(np.repeat(scores, 6, 1), known).mean()
        points.append((roc_auc(scores, truth[:, None])[0], naive))
    hidden = 2 / 7  # of the blanks
    for complete, naive in points:
        assert naive == pytest.approx(hidden / 2 + (1 - hidden) * complete, abs=1e-12)


def test_what_is_no_score_or_label_is_refused():
    with pytest.raises(InputError):
        roc_auc(np.array([[np.nan]]), np.array([[1]]))
    with pytest.raises(LabelError):
        roc_auc(np.array([[1.0]]), np.array([[2]]))
