"""The criteria of benchmarks/selection.py equal the product's metrics where these exist."""

import runpy
from pathlib import Path

import numpy as np

from largeloss.metrics import average_precision, roc_auc

CRITERIA = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks/criteria.py"))
area, precision, stopped = (CRITERIA[name] for name in ("area", "precision", "stopped"))


def test_equal_the_metrics_after_every_epoch():
    stream = np.random.default_rng(0)
    scores, labels = stream.normal(size=(3, 40, 5)), stream.integers(0, 2, (40, 5))
    labels[:, 4] = 0
    for epoch in range(3):
        expected = average_precision(scores[epoch], labels)
        np.testing.assert_allclose(precision(scores, labels == 1)[epoch], expected)
        expected = np.nan_to_num(roc_auc(scores[epoch], labels), nan=0.5)
        np.testing.assert_allclose(area(scores, labels == 1)[epoch], expected)


def test_what_early_stopping_does_not_train_is_not_chosen():
    kept = stopped(np.array([5.0, 9.0, 7.0, 5.5, 20.0]))
    assert kept.tolist() == [5, 9, 7, 5.5, -np.inf]
