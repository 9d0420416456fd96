"""The limit from which teachers are believed, beside a search through all of them."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from largeloss.labels import LabelTable
from largeloss.labels.estimate import unobserved_shares
from largeloss.runs.sure_limit import SURE, SureLimit, sure_limit
from largeloss.training.evaluation import Evaluator

SHAPE = 5, 2
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
        for place, state in enumerate((1, 0)) if said else ():
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


@given(
    arrays(np.int8, SHAPE, elements=st.integers(-1, 1)),
    arrays(np.int8, SHAPE, elements=st.integers(-1, 1)),
    arrays(np.float32, SHAPE, elements=COARSE),
)
def test_the_least_limit_above_which_enough_of_what_is_added_is_right(states, train, probabilities):
    table = LabelTable.from_dense(train)
    found = sure_limit(probabilities, of(states), table)
    shares = shares_by_loops(states, train)
    np.testing.assert_allclose(unobserved_shares(of(states).table, table), shares, atol=1e-12)
    best, seen = SureLimit(None, 0, 0), False
    for limit in sorted({SURE, *map(float, probabilities[probabilities >= SURE])}, reverse=True):
        entries = present = 0
        right = wrong = 0.0
        for row, column in np.ndindex(SHAPE):
            if probabilities[row, column] >= np.float32(limit) and states[row, column] != -1:
                entries += 1
                present += int(states[row, column] == 1)
                right += shares[0][column] * (states[row, column] == 1)
                wrong += shares[1][column] * (states[row, column] == 0)
        seen |= entries > 0
        assume(right == 0 or abs(right - SURE * (right + wrong)) > 1e-6)  # rounding
        if right > 0 and right > SURE * (right + wrong):
            best = SureLimit(limit, entries, present, right / (right + wrong))
    if not seen:
        assert found == SureLimit(SURE, 0, 0)
        return
    assert (found.val_entries, found.val_present) == (best.val_entries, best.val_present)
    assert found.right == (best.right if best.right is None else pytest.approx(best.right))
    assert (found.probability is None) == (best.probability is None)
    if found.probability is not None:  # the same entries lie above both
        above = [probabilities >= np.float32(one.probability) for one in (found, best)]
        labelled = states != -1
        np.testing.assert_array_equal(above[0] & labelled, above[1] & labelled)


def test_probabilities_that_are_too_high_raise_the_limit():
    states = np.array([[1, 1], [1, 1], [0, 0], [0, 0]], dtype=np.int8)
    scores = np.array([[0.99, 0.98], [0.97, 0.96], [0.95, 0.9], [0.85, 0.1]], dtype=np.float32)
    found = sure_limit(scores, of(states, "full"), NOTHING)
    assert (found.val_entries, found.val_present) == (5, 4)
    assert found.probability == float(scores[2, 0])
    assert sure_limit(scores, of(1 - states, "full"), NOTHING) == SureLimit(None, 0, 0)


def test_val_without_absences_cannot_say():
    scores = np.full((2, 2), 0.9, dtype=np.float32)
    unsaid = of([[1, -1], [-1, 1]], "assume-absent")
    assert sure_limit(scores, unsaid, NOTHING) == SureLimit(SURE, 0, 0)


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
    arrays(np.int8, (8, 1), elements=st.integers(-1, 1)),
    arrays(np.int8, (8, 1), elements=st.integers(-1, 1)),
    arrays(np.float32, (8, 1), elements=COARSE),
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
