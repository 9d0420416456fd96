from dataclasses import astuple

import numpy as np
import pytest
import torch
from metric_oracles import f1_loop, make_data
from sklearn.metrics import f1_score, precision_score

from largeloss.errors import ConfigError, InputError
from largeloss.metrics import best_thresholds, f1_scores


@pytest.mark.parametrize("absent", ["zero", "skip"])
@pytest.mark.parametrize("observed", [1.0, 0.5, 0.05, 0.0])
@pytest.mark.parametrize("per_class", [False, True])
def test_equals_the_loop(absent, observed, per_class):
    scores, labels = make_data(21, observed=observed, levels=5)
    labels[:, 2] = np.minimum(labels[:, 2], 0)
    limits = np.linspace(-1, 2, 7) if per_class else np.full(7, 0.4)
    result = f1_scores(scores, labels, limits if per_class else 0.4, absent=absent)
    expected = f1_loop(scores, labels, limits, absent)
    np.testing.assert_allclose(astuple(result), expected, rtol=0, atol=1e-10)


def test_equals_scikit_learn():
    scores, labels = make_data(22, rows=300)
    result = f1_scores(scores, labels)
    predicted = scores > 0
    overall = 100 * f1_score(labels, predicted, average="micro")
    by_class = 100 * precision_score(labels, predicted, average="macro")
    assert result.overall_f1 == pytest.approx(overall, rel=0, abs=1e-10)
    assert result.class_precision == pytest.approx(by_class, rel=0, abs=1e-10)


def test_class_f1_is_the_harmonic_mean_of_the_means():
    scores, labels = np.array([[1.0, 1.0], [-1.0, 1.0]]), np.array([[1, 1], [1, 0]])
    result = f1_scores(scores, labels)
    assert (result.class_precision, result.class_recall) == (75.0, 75.0)
    assert result.class_f1 == pytest.approx(75.0)


def test_a_score_on_the_threshold_is_not_predicted():
    assert f1_scores([[0.0]], [[1]]).overall_recall == 0.0
    # Compared in float64: float32(0.1) lies above 0.1.
    assert f1_scores(np.array([[0.1]], dtype=np.float32), [[1]], 0.1).overall_recall == 100.0


def test_nothing_predicted_nothing_there():
    assert astuple(f1_scores(np.zeros((0, 2)), np.zeros((0, 2)))) == (0, 0, 0, 0, 0, 0, 2)


def test_tensors():
    scores, labels = make_data(23, observed=0.6)
    tensors = torch.from_numpy(scores).requires_grad_(), torch.from_numpy(labels)
    limits = torch.linspace(-1, 1, 7, dtype=torch.float64)
    assert f1_scores(*tensors, limits) == f1_scores(scores, labels, limits.numpy())


def test_best_thresholds_go_in():
    scores, labels = make_data(24, observed=0.6)
    tuned = f1_scores(scores, labels, best_thresholds(scores, labels))
    assert tuned.class_f1 > f1_scores(scores, labels).class_f1


def test_refusals():
    scores, labels = make_data(25)
    with pytest.raises(ConfigError, match="absent"):
        f1_scores(scores, labels, absent="ignore")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"\(7,\), but have \(3,\)"):
        f1_scores(scores, labels, np.zeros(3))
    with pytest.raises(InputError, match="NaN"):
        f1_scores(scores, labels, np.nan)
    with pytest.raises(InputError, match="class 0"):
        f1_scores(scores * np.nan, labels)
