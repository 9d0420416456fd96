"""A evaluator that scores observed entries alone says what the dense one says."""

import numpy as np
import pytest
import torch

from largeloss.data import FeatureArray, Loader
from largeloss.labels import LabelTable
from largeloss.models import build_classifier
from largeloss.training import evaluation as selection
from largeloss.training.engine import EntryScores
from largeloss.training.evaluation import Evaluator


@pytest.mark.parametrize("share", [0.05, 0.4, 0.9])
@pytest.mark.parametrize("seed", range(4))
def test_of_observed_entries_alone(share, seed, monkeypatch):
    stream = np.random.default_rng(seed)
    num, classes = 61, 11
    source = FeatureArray(torch.from_numpy(stream.normal(size=(num, 5)).round(1)).float())
    states = stream.integers(0, 2, (num, classes))
    table = LabelTable.from_dense(np.where(stream.random((num, classes)) < share, states, -1))
    torch.manual_seed(seed)
    model = build_classifier("none", classes, (5,), mean=[0.0] * 5, std=[1.0] * 5)
    rows = np.sort(stream.permutation(num)[:40])
    loader = Loader(source, table, rows, 7)
    evaluator = Evaluator.of(table, rows, "observed")
    whole = evaluator.scores(model, loader)
    assert isinstance(whole, torch.Tensor)
    monkeypatch.setattr(selection, "LARGE", 0)
    alone = evaluator.scores(model, loader)
    assert isinstance(alone, EntryScores)
    one, two = evaluator.measure(whole), evaluator.measure(alone)
    assert one.value == pytest.approx(two.value, abs=1e-12)
    np.testing.assert_allclose(one.per_class, two.per_class, atol=1e-15)
    for name in ("num_classes", "num_absent", "num_without_negatives", "num_observed"):
        assert getattr(one, name) == getattr(two, name)
    learnt = np.arange(classes) % 5 > 0
    limits = evaluator.thresholds(whole, learnt).thresholds
    np.testing.assert_array_equal(limits, evaluator.thresholds(alone, learnt).thresholds)
    for name in ("hits", "predicted", "positives"):
        counts = [getattr(evaluator.tag_counts(some, limits), name) for some in (whole, alone)]
        np.testing.assert_array_equal(*counts)
    assert evaluator.f1(whole, limits) == evaluator.f1(alone, limits)
    assert evaluator.by_example(whole) is None


def test_counts_are_those_of_the_labels_whatever_the_rule():
    stream = np.random.default_rng(1)
    table = LabelTable.from_dense(stream.integers(-1, 2, (30, 4)))
    rows = np.arange(3, 25)
    for rule in ("observed", "assume-absent"):
        evaluator = Evaluator.of(table, rows, rule)
        for column, counts in enumerate(evaluator.counts("abcd").values()):
            given = table.select(rows).to_dense()[:, column]
            expected = [int((given == state).sum()) for state in (1, 0, -1)]
            assert counts == expected
