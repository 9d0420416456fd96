"""Thresholds for an aim beside trying every cut, and the aims that there are."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from metric_oracles import make_data, observed_column

from largeloss.errors import ConfigError
from largeloss.metrics.aims import Aim
from largeloss.metrics.thresholds import aimed_thresholds_entries, observed_entries


def threshold_loop(pairs, aim):
    """The most found at the precision, or the highest cut that reaches the recall; or None."""
    distinct = sorted({s for s, _ in pairs})
    if {y for _, y in pairs} != {0, 1}:
        return 0.0
    reached = []
    for cut in [-np.inf, *((a + b) / 2 for a, b in pairwise(distinct))]:
        tagged = [y for s, y in pairs if s > cut]
        whole = len(tagged) if aim.kind == "precision" else sum(y for _, y in pairs)
        if sum(tagged) / whole >= aim.share:
            reached.append((sum(tagged) if aim.kind == "precision" else 0, cut))
    if not reached:
        return None
    _, cut = max(reached)
    return np.nextafter(distinct[0], -np.inf) if cut == -np.inf else cut


def expected_loop(scores, labels, aim, prior=20):
    columns = [observed_column(scores, labels, c) for c in range(scores.shape[1])]
    owns = [threshold_loop(pairs, aim) for pairs in columns]
    fewer = [min(sum(y == state for _, y in pairs) for state in (0, 1)) for pairs in columns]
    pooled = [
        pair for pairs, own in zip(columns, owns, strict=True) if own is not None for pair in pairs
    ]
    common = threshold_loop(pooled, aim)
    if None in owns and not any(
        number for number, own in zip(fewer, owns, strict=True) if own is not None
    ):
        common = None
    found = []
    for own, number in zip(owns, fewer, strict=True):
        weight = number / (number + prior)
        if own is None or (common is None and not number):
            found.append(np.inf)
        else:
            found.append(own if common is None else weight * own + (1 - weight) * common)
    return np.array(found)


def check(scores, labels, aim):
    entries = observed_entries(scores, labels)
    thresholds, reachable = aimed_thresholds_entries(*entries, scores.shape[1], aim)
    expected = expected_loop(scores, labels, aim)
    np.testing.assert_allclose(thresholds, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(reachable, np.isfinite(expected))


@pytest.mark.parametrize("text", ["precision=0.5", "precision=1", "recall=0.8", "recall=1"])
@pytest.mark.parametrize("observed", [1.0, 0.3])
def test_equals_trying_every_cut(text, observed):
    scores, labels = make_data(3, observed=observed, dtype=np.float64)
    labels[:, 1] = np.minimum(labels[:, 1], 0)  # not one positive
    check(scores, labels, Aim.parse(text))


@settings(max_examples=100)
@given(
    hnp.arrays(np.float64, (8, 2), elements=st.floats(-4, 4, width=16)),
    hnp.arrays(np.int8, (8, 2), elements=st.integers(-1, 1)),
    st.sampled_from(["precision=0.7", "precision=0.5", "recall=0.56", "recall=0.3"]),
)
def test_equals_trying_every_cut_on_anything(scores, labels, text):
    if (labels >= 0).any():
        check(scores, labels, Aim.parse(text))


def test_shares_are_reached_as_they_are_written():
    labels = np.array([[1]] * 14 + [[0]] * 11)
    scores = np.arange(25, 0, -1.0)[:, None]
    scores[14:] += 100  # the negatives score highest: only tagging all gives 14 / 25 = 0.56
    _, reachable = aimed_thresholds_entries(
        *observed_entries(scores, labels), 1, Aim.parse("precision=0.56")
    )
    assert reachable.all()


def separable(stream, num_classes, level):
    """Present entries score far above absent ones, which lie near ``level``."""
    labels = (np.arange(400)[:, None] // 15 == np.arange(num_classes)).astype(np.int8)
    return stream.normal(level, 0.5, labels.shape) + 6 * labels, labels


def aimed(scores, labels, text):
    return aimed_thresholds_entries(
        *observed_entries(scores, labels), scores.shape[1], Aim.parse(text)
    )


def test_a_class_that_cannot_reach_the_aim_moves_no_other():
    stream = np.random.default_rng(0)
    scores, labels = separable(stream, 8, level=-3)
    scores = np.hstack([scores, stream.normal(-3, 0.5, (400, 1))])  # not one positive
    labels = np.hstack([labels, np.zeros((400, 1), np.int8)])
    alone = aimed(scores, labels, "precision=0.9")
    chance = (np.arange(400) < 15).astype(np.int8)[:, None]
    added = aimed(
        np.hstack([scores, stream.normal(5, 0.5, (400, 1))]),  # they score higher than all others
        np.hstack([labels, chance]),
        "precision=0.9",
    )
    assert added.reachable.tolist() == [True] * 9 + [False]
    np.testing.assert_array_equal(added.thresholds, [*alone.thresholds, np.inf])
    assert np.abs(alone.thresholds).max() < 1


def test_classes_keep_their_own_threshold_where_all_together_cannot_reach_the_aim():
    stream = np.random.default_rng(0)
    scores, labels = separable(stream, 3, level=-3)
    labels[:, 2] = 0
    scores[:, 2] = stream.normal(9, 0.5, 400)  # not one positive, and the highest scores
    thresholds, reachable = aimed(scores, labels, "precision=0.9")
    assert reachable.tolist() == [True, True, False]
    assert thresholds[2] == np.inf  # nothing is known of it but what the others say
    for column in range(2):
        tagged = scores[:, column] > thresholds[column]
        assert labels[tagged, column].all()
        assert tagged.sum() == 15


def test_a_class_without_positives_is_not_tagged_where_no_other_reaches_the_aim():
    scores = np.arange(8.0).reshape(4, 2)
    labels = np.array([[1, 0], [1, 0], [0, 0], [0, 0]])
    thresholds, reachable = aimed(scores, labels, "precision=0.9")
    assert not reachable.any()
    assert np.isinf(thresholds).all()


@pytest.mark.parametrize(
    "text", ["", "f2", "f1=0.5", "precision", "precision=90", "recall=0", "recall=x", "recall=nan"]
)
def test_other_aims_are_refused(text):
    with pytest.raises(ConfigError, match=r"An aim is f1, precision=P or recall=R"):
        Aim.parse(text)


@pytest.mark.parametrize("text", ["f1", "precision=0.9", "recall=0.85"])
def test_aims_are_written_as_they_are_read(text):
    assert str(Aim.parse(text)) == text
