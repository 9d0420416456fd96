"""The limit from which teachers are believed, beside a search through all of them."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from largeloss.labels import LabelTable
from largeloss.runs.sure_limit import SURE, SureLimit, sure_limit, unobserved_shares
from largeloss.training.evaluation import Evaluator

SHAPE = 5, 2
COARSE = st.sampled_from([0.1, 0.5, 0.79, 0.8, 0.85, 0.9, 0.95, 1.0])  # so that some are equal


def of(states, rule="observed") -> Evaluator:
    return Evaluator.of(LabelTable.from_dense(np.asarray(states)), np.arange(len(states)), rule)


NOTHING = LabelTable.from_dense(np.full(SHAPE, -1, dtype=np.int8))
"""Labels of train of which none is observed: each entry of val counts as one."""


def shares_by_loops(val, train) -> tuple[float, float]:
    """How many present and absent entries train should have, and how many it shows."""
    expected, observed = [0.0, 0.0], [0, 0]
    for column in range(SHAPE[1]):
        said = [int(state) for state in val[:, column] if state != -1]
        if not said:
            continue
        for place, state in enumerate((1, 0)):
            expected[place] += len(train) * said.count(state) / len(said)
            observed[place] += sum(int(one) == state for one in train[:, column])
    left = [
        max(0.0, 1 - seen / of) if of else 1.0 - (seen > 0)
        for seen, of in zip(observed, expected, strict=True)
    ]
    return left[0], left[1]


@given(
    arrays(np.int8, SHAPE, elements=st.integers(-1, 1)),
    arrays(np.int8, SHAPE, elements=st.integers(-1, 1)),
    arrays(np.float32, SHAPE, elements=COARSE),
)
def test_the_least_limit_above_which_enough_of_what_is_added_is_right(states, train, probabilities):
    table = LabelTable.from_dense(train)
    found = sure_limit(probabilities, of(states), table)
    shares = shares_by_loops(states, train)
    assert unobserved_shares(of(states).table, table) == pytest.approx(shares)
    best, seen = SureLimit(None, 0, 0), False
    for limit in sorted({SURE, *map(float, probabilities[probabilities >= SURE])}, reverse=True):
        entries = present = 0
        for place in np.ndindex(SHAPE):
            if probabilities[place] >= np.float32(limit) and states[place] != -1:
                entries += 1
                present += int(states[place] == 1)
        seen |= entries > 0
        right, wrong = present * shares[0], (entries - present) * shares[1]
        assume(right + wrong == 0 or abs(right - SURE * (right + wrong)) > 1e-9)  # rounding
        if right + wrong > 0 and right > SURE * (right + wrong):
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
    """Of ten likely entries nine are present; of as many in train seven were written down."""
    states = np.array([[1]] * 9 + [[0]] * 11, dtype=np.int8)
    scores = np.where(np.arange(20) < 10, 0.9, 0.1).astype(np.float32)[:, None]
    nothing, tags = np.full((20, 1), -1, dtype=np.int8), np.full((20, 1), -1, dtype=np.int8)
    tags[:7] = 1
    found = sure_limit(scores, of(states, "full"), LabelTable.from_dense(nothing))
    assert (found.probability, found.right) == (SURE, 0.9)
    assert sure_limit(scores, of(states, "full"), LabelTable.from_dense(tags)).probability is None
    told = str(SureLimit(None, 0, 0))
    assert "fewer than 80 % of those that nobody would have labelled are present" in told
    hidden = np.where(np.arange(20)[:, None] % 2 == 0, states, -1)  # half of either, at random
    found = sure_limit(scores, of(states, "full"), LabelTable.from_dense(hidden))
    assert found.right == pytest.approx(0.9, abs=0.02)
    assert "on val, 90 % of the 10 entries above are present, and" in str(found)
