"""The criteria of benchmarks/selection.py equal the product's metrics where these exist."""

import runpy
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from largeloss.metrics import average_precision, log_rank

CRITERIA = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks/criteria.py"))
area, precision, savage, stopped = (
    CRITERIA[name] for name in ("area", "precision", "savage", "stopped")
)


def test_equal_the_metrics_after_every_epoch():
    stream = np.random.default_rng(0)
    scores, labels = stream.normal(size=(3, 40, 5)), stream.integers(0, 2, (40, 5))
    labels[:, 4] = 0
    for epoch in range(3):
        expected = average_precision(scores[epoch], labels)
        np.testing.assert_allclose(precision(scores, labels == 1)[epoch], expected)
        areas = [roc_auc_score(labels[:, c], scores[epoch, :, c]) for c in range(4)]
        np.testing.assert_allclose(area(scores, labels == 1)[epoch], [*areas, 0.5])
        expected = np.nan_to_num(log_rank(scores[epoch], labels), nan=0.0)
        np.testing.assert_allclose(savage(scores, labels == 1)[epoch], expected, atol=1e-12)


def test_what_early_stopping_does_not_train_is_not_chosen():
    kept = stopped(np.array([5.0, 9.0, 7.0, 5.5, 20.0]))
    assert kept.tolist() == [5, 9, 7, 5.5, -np.inf]
