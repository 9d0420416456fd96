import numpy as np
import pytest
from metric_oracles import average_precision_loop, make_data

from largeloss.errors import ConfigError, InputError, LabelError
from largeloss.metrics import mean_average_precision

SCORES = np.array([[3.0, 1.0, 1.0, 1.0], [2.0, 2.0, 2.0, 2.0], [1.0, 3.0, 3.0, 3.0]])
# Class 0: AP (1/1 + 2/3)/2; 1: no positive; 2: positives only; 3: nothing observed.
LABELS = np.array([[1, 0, 1, -1], [0, 0, -1, -1], [1, -1, 1, -1]], dtype=np.int8)


@pytest.mark.parametrize(("absent", "counted"), [("zero", 4), ("skip", 2)])
def test_what_absent_classes_do(absent, counted):
    result = mean_average_precision(SCORES, LABELS, absent=absent)
    assert result.value == pytest.approx(100 * (5 / 6 + 1) / counted)
    np.testing.assert_allclose(result.per_class, [5 / 6, 0, 1, 0])
    assert result.num_classes == 4
    assert result.num_absent == 2
    assert result.num_without_negatives == 1
    assert result.num_observed == 7


@pytest.mark.parametrize("observed", [1.0, 0.4])
def test_is_the_mean_of_the_loop(observed):
    scores, labels = make_data(11, observed=observed, levels=5)
    result = mean_average_precision(scores, labels)
    expected = 100 * average_precision_loop(scores, labels).mean()
    assert result.value == pytest.approx(expected, rel=0, abs=1e-10)
    assert result.num_observed == (labels >= 0).sum()


@pytest.mark.parametrize("absent", ["zero", "skip"])
@pytest.mark.parametrize("rows", [0, 3])
def test_no_positive_at_all_is_zero_not_nan(absent, rows):
    result = mean_average_precision(np.zeros((rows, 2)), np.zeros((rows, 2)), absent=absent)
    assert result.value == 0.0
    assert result.num_absent == result.num_classes == 2


def test_finding_08_the_classes_that_can_be_measured():
    labels = np.array([[1, 1, 0, 1, -1], [0, 1, 0, 1, -1], [1, -1, -1, 0, 1]])
    scores = np.random.default_rng(0).normal(size=labels.shape)
    found = mean_average_precision(scores, labels)
    assert found.measurable == pytest.approx(100 * found.per_class[[0, 3]].mean())
    assert (found.num_absent, found.num_without_negatives) == (1, 2)
    assert mean_average_precision(scores, np.zeros_like(labels)).measurable is None


def test_refusals():
    with pytest.raises(ConfigError, match=r'"zero".*"skip".*\'nan\''):
        mean_average_precision(SCORES, LABELS, absent="nan")  # type: ignore[arg-type]
    with pytest.raises(LabelError):
        mean_average_precision(SCORES, LABELS + 1)
    with pytest.raises(InputError, match="NaN"):
        mean_average_precision(SCORES * np.nan, LABELS)
