import numpy as np
import pytest

from largeloss.labels import LabelTable, fraction
from largeloss.labels.estimate import expected_positives


def test_with_observed_absences_the_share_of_presences_counts():
    truth = (np.random.default_rng(0).random((400, 10)) < 0.23).astype(int)
    known = fraction(LabelTable.from_dense(truth), 0.3)
    value, how = expected_positives(known, np.arange(400))
    assert value == pytest.approx(truth.sum(axis=1).mean(), rel=0.1)
    assert "share" in how


def test_with_tags_alone_it_is_a_lower_bound():
    table = LabelTable.from_dense([[1, -1, -1], [1, 1, -1], [0, 0, 0]])
    assert expected_positives(table, np.array([0, 1])) == (
        1.5,
        "mean number of observed tags: a lower bound",
    )
