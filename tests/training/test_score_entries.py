"""Scores of observed entries alone are those of the whole matrix, picked out."""

import numpy as np
import pytest
import torch

from largeloss.data import FeatureArray, Loader
from largeloss.errors import NonFiniteError
from largeloss.labels import LabelTable
from largeloss.models import build_classifier
from largeloss.training.engine import score, score_entries


def setting(num=23, classes=9):
    stream = np.random.default_rng(0)
    features = torch.from_numpy(stream.normal(size=(num, 5)).astype(np.float32))
    labels = np.where(
        stream.random((num, classes)) < 0.3, stream.integers(0, 2, (num, classes)), -1
    )
    labels[4:12] = -1  # a whole batch without a label
    table = LabelTable.from_dense(labels)
    torch.manual_seed(0)
    model = build_classifier("none", classes, (5,), mean=[0.0] * 5, std=[1.0] * 5)
    return model, FeatureArray(features), table


def test_the_entries_of_the_matrix():
    model, source, table = setting()
    rows = np.array([20, 3, 1, 4, 5, 6, 7, 8, 9, 0, 22])
    loader = Loader(source, table, rows, 4)
    whole = score(model, loader).logits.numpy()
    labels = table.lookup(rows)
    places = np.nonzero(labels >= 0)
    entries = score_entries(model, loader, table.select(rows))
    np.testing.assert_array_equal(entries.scores, whole[places])
    np.testing.assert_array_equal(entries.states, labels[places])
    np.testing.assert_array_equal(entries.columns, places[1])
    dtypes = [part.dtype for part in entries]
    assert dtypes == [np.float32, np.int8, table.columns.dtype]


def test_a_model_that_diverged_is_refused_where_nothing_is_observed_too():
    model, source, table = setting()
    source.values[5] = torch.nan
    with pytest.raises(NonFiniteError, match="1 of 4 scored images") as caught:
        score_entries(model, Loader(source, table, np.arange(23), 4), table)
    assert caught.value.rows == (5,)
