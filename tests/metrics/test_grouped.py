"""Average precision over annotated entries, by groups of classes."""

import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from metric_oracles import average_precision_loop, make_data

from largeloss.errors import InputError, LabelError
from largeloss.metrics import annotated_average_precision, grouped_average_precision


def grouped_loop(scores, labels, groups):
    """Class by class, then group by group, as the rule is written."""
    ap = average_precision_loop(scores, labels)
    in_groups = [[] for _ in range(max(groups) + 1)]
    never = without = 0
    for column, group in enumerate(groups):
        states = {int(state) for state in labels[:, column]} - {-1}
        if not states:
            never += 1
            continue
        without += 1 not in states
        in_groups[group].append(ap[column])
    means = [100 * sum(own) / len(own) if own else None for own in in_groups]
    known = [mean for mean in means if mean is not None]
    overall = sum(known) / len(known) if known else None
    return means, [len(own) for own in in_groups], overall, never, without


def of_matrices(scores, labels, groups):
    rows, columns = np.nonzero(labels >= 0)
    ap = annotated_average_precision(
        scores[rows, columns], labels[rows, columns], columns, labels.shape[1]
    )
    return grouped_average_precision(ap, groups)


def assert_equals_the_loop(scores, labels, groups):
    means, counts, overall, never, without = grouped_loop(scores, labels, groups)
    result = of_matrices(scores, labels, groups)
    assert result.groups == pytest.approx(means, abs=1e-9)
    assert list(result.num_counted) == counts
    assert result.all == pytest.approx(overall, abs=1e-9)
    assert (result.num_never_annotated, result.num_without_positives) == (never, without)


def test_worked_example():
    ap = [0.5, np.nan, 1.0, 0.0, 0.2]
    result = grouped_average_precision(ap, [0, 0, 1, 1, 1])
    assert result.groups == pytest.approx((50, 40))
    assert result.num_counted == (1, 3)
    assert result.all == pytest.approx(45)  # the mean of the groups, not of the classes
    assert result.num_never_annotated == 1
    assert result.num_without_positives == 1


def test_nan_marks_the_never_annotated_and_zero_those_without_positives():
    ap = annotated_average_precision([0.9, 0.8, 0.1], [0, 1, 0], [0, 0, 2], 4)
    np.testing.assert_array_equal(ap, [0.5, np.nan, 0.0, np.nan])


@pytest.mark.parametrize("observed", [1.0, 0.3, 0.05])
@pytest.mark.parametrize("num_groups", [1, 3])
def test_equals_the_loop(observed, num_groups):
    scores, labels = make_data(1, rows=30, classes=11, observed=observed, levels=20)
    groups = np.random.default_rng(0).permutation(np.arange(11) % num_groups)
    assert_equals_the_loop(scores, labels, groups.tolist())


@settings(max_examples=100)
@given(
    hnp.arrays(np.float32, (6, 4), elements=st.floats(-4, 4, width=16)),
    hnp.arrays(np.int8, (6, 4), elements=st.integers(-1, 1)),
    st.lists(st.integers(0, 2), min_size=4, max_size=4),
)
def test_equals_the_loop_on_anything(scores, labels, groups):
    assert_equals_the_loop(scores, labels, groups)


def test_groups_without_a_class_have_no_figure():
    result = grouped_average_precision([0.5, np.nan], [0, 2])
    assert result.groups == (50, None, None)
    assert result.num_counted == (1, 0, 0)
    assert result.all == 50


def test_nothing_annotated():
    ap = annotated_average_precision([], [], np.zeros(0, dtype=np.int64), 3)
    result = grouped_average_precision(ap, [0, 0, 1])
    assert (result.groups, result.all) == ((None, None), None)
    assert result.num_never_annotated == 3


@pytest.mark.parametrize(
    ("ap", "groups", "message"),
    [
        ([0.5], [0, 1], r"\(1,\) and \(2,\)"),
        ([[0.5]], [[0]], r"same shape \(C,\)"),
        ([], [], "at least one class"),
        ([0.5], [0.0], "whole numbers, but their types are float64 and float64"),
        (["a"], [0], "real numbers"),
        ([0.5, 50.0], [0, 0], "1 of 2 are not; the first is 50.0, of class 1"),
        ([0.5, 0.5], [0, -1], "numbered from 0, but the lowest is -1"),
    ],
)
def test_refused(ap, groups, message):
    with pytest.raises(InputError, match=message):
        grouped_average_precision(ap, groups)


def test_entries_are_checked():
    with pytest.raises(LabelError, match="-1"):
        annotated_average_precision([0.5], [-1], [0], 2)
    with pytest.raises(InputError, match="reach from 2"):
        annotated_average_precision([0.5], [1], [2], 2)


def test_a_million_entries_of_5000_classes_in_seconds_and_little_memory():
    stream = np.random.default_rng(0)
    num = 1_000_000
    scores = stream.normal(size=num).astype(np.float32)
    labels = stream.integers(0, 2, num).astype(np.int8)
    columns = (stream.random(num) ** 2 * 5000).astype(np.int32)
    groups = np.arange(5000) // 1000
    tracemalloc.start()
    started = time.perf_counter()
    result = grouped_average_precision(
        annotated_average_precision(scores, labels, columns, 5000), groups
    )
    seconds, (_, peak) = time.perf_counter() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(result.num_counted) + result.num_never_annotated == 5000
    assert peak < 40 * num  # bytes per entry: 600 MB for 15 million
    assert seconds < 10
