"""The limit from which teachers are believed, beside a search through all of them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from largeloss.labels import LabelTable
from largeloss.runs.sure_limit import SURE, SureLimit, sure_limit
from largeloss.training.evaluation import Evaluator

SHAPE = 5, 2
COARSE = st.sampled_from([0.1, 0.5, 0.79, 0.8, 0.85, 0.9, 0.95, 1.0])  # so that some are equal


def of(states, rule="observed") -> Evaluator:
    return Evaluator.of(LabelTable.from_dense(np.asarray(states)), np.arange(len(states)), rule)


@given(
    arrays(np.int8, SHAPE, elements=st.integers(-1, 1)),
    arrays(np.float32, SHAPE, elements=COARSE),
)
def test_the_least_limit_above_which_val_is_right_often_enough(states, probabilities):
    found = sure_limit(probabilities, of(states))
    best, seen = SureLimit(None, 0, 0), False
    for limit in sorted({SURE, *map(float, probabilities[probabilities >= SURE])}, reverse=True):
        entries = present = 0
        for place in np.ndindex(SHAPE):
            if probabilities[place] >= np.float32(limit) and states[place] != -1:
                entries += 1
                present += int(states[place] == 1)
        seen |= entries > 0
        if entries and present >= SURE * entries:
            best = SureLimit(limit, entries, present)
    if not seen:
        assert found == SureLimit(SURE, 0, 0)
        return
    assert (found.val_entries, found.val_present) == (best.val_entries, best.val_present)
    assert (found.probability is None) == (best.probability is None)
    if found.probability is not None:  # the same entries lie above both
        above = [probabilities >= np.float32(one.probability) for one in (found, best)]
        labelled = states != -1
        np.testing.assert_array_equal(above[0] & labelled, above[1] & labelled)


def test_probabilities_that_are_too_high_raise_the_limit():
    states = np.array([[1, 1], [1, 1], [0, 0], [0, 0]], dtype=np.int8)
    scores = np.array([[0.99, 0.98], [0.97, 0.96], [0.95, 0.9], [0.85, 0.1]], dtype=np.float32)
    found = sure_limit(scores, of(states, "full"))
    assert (found.val_entries, found.val_present) == (5, 4)
    assert found.probability == float(scores[2, 0])
    assert sure_limit(scores, of(1 - states, "full")) == SureLimit(None, 0, 0)


def test_val_without_absences_cannot_say():
    scores = np.full((2, 2), 0.9, dtype=np.float32)
    assert sure_limit(scores, of([[1, -1], [-1, 1]], "assume-absent")) == SureLimit(SURE, 0, 0)
