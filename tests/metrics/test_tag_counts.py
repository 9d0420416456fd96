import numpy as np
import pytest
from metric_oracles import make_data, observed_column

from largeloss.metrics import tag_counts, tag_counts_entries


@pytest.mark.parametrize("observed", [1.0, 0.5, 0.02])
def test_equals_counting_by_hand(observed):
    scores, labels = make_data(3, observed=observed, levels=4)
    thresholds = np.array([-1.0, -0.5, 0.0, 0.25, 0.5, np.inf, -np.inf])
    counts = tag_counts(scores, labels, thresholds)
    rows, columns = np.nonzero(labels >= 0)
    entries = scores[rows, columns], labels[rows, columns], columns, 7
    from_entries = tag_counts_entries(*entries, thresholds)
    for column, threshold in enumerate(thresholds):
        pairs = observed_column(scores, labels, column)
        tagged = [y for s, y in pairs if s > threshold]
        expected = sum(tagged), len(tagged), sum(y for _, y in pairs)
        for found in (counts, from_entries):
            assert (found.hits[column], found.predicted[column], found.positives[column]) == (
                expected
            )
    assert counts.predicted[5] == 0
    assert np.isnan(counts.precision[5])
    some = counts.predicted > 0
    np.testing.assert_array_equal(
        counts.precision[some], counts.hits[some] / counts.predicted[some]
    )
    present = counts.positives > 0
    np.testing.assert_array_equal(
        counts.recall[present], counts.hits[present] / counts.positives[present]
    )
    assert np.isnan(counts.recall[~present]).all()
