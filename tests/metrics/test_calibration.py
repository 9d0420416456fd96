"""Calibration: beside its formula, that it rises, and that it mends scores that are too low."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from largeloss.metrics import average_precision
from largeloss.metrics.calibration import fit_calibration, measured_reliability
from largeloss.metrics.thresholds import observed_entries


def make_scores(rows, classes=3, seed=0):
    """Logits whose true probabilities are those of 2 * logit + 1, and labels drawn by them."""
    stream = np.random.default_rng(seed)
    logits = stream.normal(-1, 1.5, (rows, classes))
    labels = stream.random((rows, classes)) < 1 / (1 + np.exp(-2 * logits - 1))
    return logits, labels.astype(np.int8)


def test_the_true_line_is_found():
    logits, labels = make_scores(4000)
    found = fit_calibration(*observed_entries(logits, labels), 3)
    np.testing.assert_allclose(found.slopes, 2, atol=0.2)
    np.testing.assert_allclose(found.offsets, 1, atol=0.2)
    before = measured_reliability(logits.ravel(), labels.ravel())
    after = measured_reliability(found.apply(logits).ravel(), labels.ravel())
    assert after.expected_error < 0.02 < before.expected_error
    assert after.brier < before.brier
    assert after.log_loss < before.log_loss


def test_a_line_by_class_or_that_of_all_classes():
    logits, labels = make_scores(200)
    labels[:, 1] = 1 - labels[:, 1]  # its own line would fall
    labels[:, 2] = 0
    labels[60:, 0] = labels[60:, 1] = -1
    found = fit_calibration(*observed_entries(logits, labels), 3)

    def line(scores, states):
        fitted = LogisticRegression(max_iter=1000).fit(scores[:, None], states)
        return np.array([fitted.coef_[0, 0], fitted.intercept_[0]])

    observed = labels >= 0
    common = line(logits[observed], labels[observed])
    own = line(logits[:60, 0], labels[:60, 0])
    expected = np.array([own, common, common])
    np.testing.assert_allclose(found.slopes, expected[:, 0], rtol=1e-6)
    np.testing.assert_allclose(found.offsets, expected[:, 1], rtol=1e-6)


def test_ranks_are_kept_even_of_a_class_that_is_wrong():
    logits, labels = make_scores(300)
    labels[:, 2] = 1 - labels[:, 2]  # its own line would fall
    found = fit_calibration(*observed_entries(logits, labels), 3)
    assert (found.slopes > 0).all()
    np.testing.assert_array_equal(
        average_precision(found.apply(logits), labels), average_precision(logits, labels)
    )


@pytest.mark.parametrize("state", [0, 1])
def test_nothing_to_learn_from_changes_nothing(state):
    logits = np.linspace(-1, 1, 8).reshape(4, 2)
    found = fit_calibration(*observed_entries(logits, np.full((4, 2), state, np.int8)), 2)
    np.testing.assert_array_equal(found.apply(logits), logits)


def test_reliability_beside_loops():
    logits, labels = make_scores(100, classes=1)
    found = measured_reliability(logits[:, 0], labels[:, 0])
    probabilities = 1 / (1 + np.exp(-logits[:, 0]))
    error = 0.0
    for number in range(10):
        chosen = (probabilities * 10).astype(int) == number
        assert found.entries[number] == chosen.sum()
        if chosen.any():
            share, mean = labels[chosen, 0].mean(), probabilities[chosen].mean()
            assert (found.mean[number], found.present[number]) == pytest.approx((mean, share))
            error += chosen.sum() * abs(share - mean) / 100
    pairs = list(zip(probabilities, labels[:, 0], strict=True))
    assert found.expected_error == pytest.approx(error)
    assert found.brier == pytest.approx(np.mean([(p - y) ** 2 for p, y in pairs]))
    assert found.log_loss == pytest.approx(-np.mean([np.log(p if y else 1 - p) for p, y in pairs]))


def test_saturated_logits_are_numbers():
    found = measured_reliability(np.array([1e4, -1e4]), np.array([1, 1], np.int8))
    assert np.isfinite([found.brier, found.log_loss, found.expected_error]).all()
    assert found.entries.tolist() == [1, *[0] * 8, 1]
