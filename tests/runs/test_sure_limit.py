"""The limit from which teachers are believed, beside a search through all of them."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from largeloss.labels import LabelTable
from largeloss.labels.estimate import unobserved_shares
from largeloss.runs.sure_limit import SURE, SureLimit, lower_end, sure_limit
from largeloss.training.evaluation import Evaluator

SHAPE = 30, 2
COARSE = st.sampled_from([0.1, 0.5, 0.79, 0.8, 0.85, 0.9, 0.95, 1.0])  # so that some are equal


def of(states, rule="observed") -> Evaluator:
    return Evaluator.of(LabelTable.from_dense(np.asarray(states)), np.arange(len(states)), rule)


NOTHING = LabelTable.from_dense(np.full(SHAPE, -1, dtype=np.int8))
"""Labels of train of which none is observed: each entry of val counts as one."""


def shares_by_loops(val, train) -> list[list[float]]:
    """Of each class: how many present and absent entries train should have, and how many it has."""
    expected, left, tags = [[0.0, 0.0] for _ in range(2)], [[0.0, 0.0] for _ in range(2)], []
    for column in range(SHAPE[1]):
        said = [int(state) for state in val[:, column] if state != -1]
        tags.append(said.count(1))
        for place, state in enumerate((1, 0)) if 0 in said else ():
            expected[place][column] = len(train) * said.count(state) / len(said)
            observed = sum(int(one) == state for one in train[:, column])
            left[place][column] = expected[place][column] - observed
    shares = []
    for wanted, missing in zip(expected, left, strict=True):
        pooled = max(0.0, sum(missing)) / sum(wanted) if sum(wanted) else 0.0
        own = [max(0.0, m) / w if w else 0.0 for m, w in zip(missing, wanted, strict=True)]
        shares.append(
            [(n * one + 20 * pooled) / (n + 20) for n, one in zip(tags, own, strict=True)]
        )
    return [shares[0], [max(pair) for pair in zip(*shares, strict=True)]]


def wilson(right: float, wrong: float, squares: float) -> float:
    """The lower end, on one side, as textbooks have it."""
    share, number, z = right / (right + wrong), (right + wrong) ** 2 / squares, 1.645
    apart = z * math.sqrt(share * (1 - share) / number + z * z / (4 * number * number))
    return (share + z * z / (2 * number) - apart) / (1 + z * z / number)


@given(
    arrays(np.int8, SHAPE, elements=st.sampled_from([1, 1, 1, 1, 1, 1, 0, -1])),
    arrays(np.int8, SHAPE, elements=st.integers(-1, 1)),
    arrays(np.float32, SHAPE, elements=COARSE),
)
def test_the_least_limit_above_which_enough_of_what_is_added_is_right(states, train, probabilities):
    assume((states != -1).any())
    table = LabelTable.from_dense(train)
    found = sure_limit(probabilities, of(states), table)
    shares = shares_by_loops(states, train)
    np.testing.assert_allclose(unobserved_shares(of(states).table, table), shares, atol=1e-12)
    best = SureLimit(None, 0, 0)
    for limit in sorted({SURE, *map(float, probabilities[probabilities >= SURE])}, reverse=True):
        entries = present = 0
        right = wrong = squares = 0.0
        for row, column in np.ndindex(SHAPE):
            state = int(states[row, column])
            if state == -1 or 0 not in states[:, column].tolist():
                continue
            if probabilities[row, column] >= np.float32(limit):
                entries += 1
                present += state
                right += shares[0][column] * state
                wrong += shares[1][column] * (1 - state)
                squares += shares[1 - state][column] ** 2
        lowest = wilson(right, wrong, squares) if squares else 0.0
        assume(abs(lowest - SURE) > 1e-6)  # rounding
        if lowest > SURE:
            best = SureLimit(limit, entries, present, right / (right + wrong))
    assert (found.val_entries, found.val_present) == (best.val_entries, best.val_present)
    assert found.right == (best.right if best.right is None else pytest.approx(best.right))
    assert (found.probability is None) == (best.probability is None)
    if found.probability is not None:  # the same entries lie above both
        above = [probabilities >= np.float32(one.probability) for one in (found, best)]
        labelled = (states != -1) & (states == 0).any(axis=0)
        np.testing.assert_array_equal(above[0] & labelled, above[1] & labelled)


def test_probabilities_that_are_too_high_raise_the_limit():
    states = np.array([[1, 1], [1, 1], [0, 0], [0, 0]] * 10, dtype=np.int8)
    scores = np.array([[0.99, 0.98], [0.97, 0.96], [0.95, 0.9], [0.85, 0.1]] * 10, dtype=np.float32)
    found = sure_limit(scores, of(states, "full"), NOTHING)
    assert (found.val_entries, found.val_present) == (40, 40)
    assert found.probability == float(scores[1, 1])
    assert sure_limit(scores, of(1 - states, "full"), NOTHING) == SureLimit(None, 0, 0)


def test_a_few_entries_that_happen_to_be_right_confirm_nothing():
    """No limit is right: two of three entries are present, whatever their probability."""
    stream = np.random.default_rng(0)
    found = []
    for _ in range(100):
        states = (stream.random((100, 2)) < 0.65).astype(np.int8)
        scores = stream.uniform(0.8, 1, states.shape).astype(np.float32)
        found.append(sure_limit(scores, of(states, "full"), NOTHING).probability)
    assert sum(limit is not None for limit in found) <= 10
    eleven = np.array([[1]] * 11 + [[0]] * 9, dtype=np.int8)
    scores = np.where(eleven == 1, 0.9, 0.1).astype(np.float32)
    assert sure_limit(scores, of(eleven, "full"), NOTHING).probability == SURE
    assert sure_limit(scores[1:], of(eleven[1:], "full"), NOTHING).probability is None
    right = np.array([90.0, 91.0])  # docs/guides/training.md
    assert (lower_end(right, np.full(2, 105.0), np.full(2, 105.0)) >= SURE).tolist() == [
        False,
        True,
    ]


def test_a_class_of_val_with_presences_only_confirms_nothing():
    """Its entries cannot be wrong: the other class, in which half are, decides."""
    states = np.array([[1, 1], [1, 0]] * 50, dtype=np.int8)
    states[::3, 0] = -1
    scores = np.full(states.shape, 0.9, dtype=np.float32)
    found = sure_limit(scores, of(states, "observed"), NOTHING)
    assert found == SureLimit(None, 0, 0)
    alone = of(states[:, :1], "observed")
    assert sure_limit(scores[:, :1], alone, NOTHING) == SureLimit(None, 0, 0)


def test_no_entry_of_val_that_is_as_probable_confirms_no_more_than_ten_that_are_right():
    states = np.array([[1]] * 15 + [[0]] * 15, dtype=np.int8)
    for many in (0, 10):
        scores = np.where(np.arange(30) < many, 0.9, 0.1).astype(np.float32)[:, None]
        assert sure_limit(scores, of(states, "full"), NOTHING) == SureLimit(None, 0, 0)


def test_val_without_absences_cannot_say():
    scores = np.full((2, 2), 0.9, dtype=np.float32)
    unsaid = of([[1, -1], [-1, 1]], "assume-absent")
    assert sure_limit(scores, unsaid, NOTHING) == SureLimit(SURE, 0, 0)
    assert sure_limit(scores, of([[-1, -1]] * 2), NOTHING) == SureLimit(SURE, 0, 0)


def test_tags_that_are_written_down_already_are_none_that_are_added():
    """Of a hundred likely entries ninety are present; of as many in train seventy were named."""
    states = np.array([[1]] * 90 + [[0]] * 110, dtype=np.int8)
    scores = np.where(np.arange(200) < 100, 0.9, 0.1).astype(np.float32)[:, None]
    nothing, tags = (np.full((200, 1), -1, dtype=np.int8) for _ in range(2))
    tags[:70] = 1
    found = sure_limit(scores, of(states, "full"), LabelTable.from_dense(nothing))
    assert (found.probability, found.right) == (SURE, 0.9)
    assert sure_limit(scores, of(states, "full"), LabelTable.from_dense(tags)).probability is None
    told = str(SureLimit(None, 0, 0))
    assert "no probability that 80 % of the unobserved entries above it are present" in told
    hidden = np.where(np.arange(200)[:, None] % 2 == 0, states, -1)  # half of either, at random
    found = sure_limit(scores, of(states, "full"), LabelTable.from_dense(hidden))
    assert found.right == pytest.approx(0.9)
    assert "on val, 90 % of the 100 entries above are present, and 90 %" in str(found)


@given(
    arrays(np.int8, (30, 1), elements=st.sampled_from([1, 1, 1, 1, 1, 1, 0, -1])),
    arrays(np.int8, (30, 1), elements=st.integers(-1, 1)),
    arrays(np.float32, (30, 1), elements=COARSE),
)
def test_the_shares_of_a_class_never_make_the_limit_laxer(states, train, probabilities):
    """An absent entry counts no less than a present one."""
    found = sure_limit(probabilities, of(states), LabelTable.from_dense(train))
    if found.val_entries:
        assert found.val_present >= (SURE - 1e-6) * found.val_entries


def test_where_hardly_any_label_is_missing_chance_does_not_decide():
    """Two of three likely entries are present; what train lacks is smaller than val's own noise."""
    stream = np.random.default_rng(0)
    for share in (0.9, 0.95, 0.99, 1.0):
        for _ in range(10):
            train, val = ((stream.random((num, 20)) < 0.3).astype(np.int8) for num in (600, 200))
            given = np.where(stream.random(train.shape) < share, train, -1)
            likely = stream.random(val.shape) < np.where(val == 1, 0.8, 0.17)
            scores = np.where(likely, 0.9, 0.1).astype(np.float32)
            found = sure_limit(scores, of(val, "full"), LabelTable.from_dense(given))
            assert found.probability is None


def test_a_class_whose_tags_are_all_written_down_gets_no_more():
    """The likely entries of val are of such a class: they say nothing of the other one."""
    states = np.zeros((400, 2), dtype=np.int8)
    states[:100, 0], states[200:300, 1] = 1, 1
    scores = np.where(states == 1, [0.9, 0.7], 0.1).astype(np.float32)
    scores[100:112, 0] = 0.9  # twelve of 112 are absent
    tags = np.full(states.shape, -1, dtype=np.int8)
    tags[:100, 0] = 1
    found = sure_limit(scores, of(states, "full"), LabelTable.from_dense(tags))
    assert found.probability is None
    swapped = LabelTable.from_dense(tags[:, ::-1])
    assert sure_limit(scores, of(states, "full"), swapped).probability == SURE
