"""Label edits against a dictionary: row -> class -> (epoch, loss)."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from loss_oracles import quick, softplus

from largeloss.errors import CheckpointError, ConfigError
from largeloss.losses.memory import EditMemory, Edits

FIELDS = ("rows", "columns", "epochs", "losses", "states")

entries = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 6)), max_size=12)
histories = st.lists(st.lists(entries, max_size=4), max_size=4)


def logit(row, column):
    return (row - column) / 4


def propose(memory, pairs, epoch, num_classes=7):
    """Proposes the ``pairs`` (row, class), in one batch of all rows in reverse order."""
    rows = sorted({row for row, _ in pairs}, reverse=True)
    selected = torch.zeros(len(rows), num_classes, dtype=torch.bool)
    logits = torch.tensor([[logit(row, c) for c in range(num_classes)] for row in rows])
    for row, column in pairs:
        selected[rows.index(row), column] = True
    logits = logits.view_as(selected)
    memory.propose(torch.tensor(rows, dtype=torch.int64), selected, logits, epoch)


def table_of(edits):
    columns = (getattr(edits, field).tolist() for field in FIELDS[:4])
    return {(row, column): (epoch, loss) for row, column, epoch, loss in zip(*columns, strict=True)}


def recorded(history):
    """A memory, and what the dictionary says that it holds."""
    memory, expected = EditMemory(), {}
    for epoch, batches in enumerate(history):
        for pairs in batches:
            propose(memory, pairs, epoch)
            for row, column in pairs:
                expected.setdefault((row, column), (epoch, softplus(logit(row, column))))
        memory.commit()
    return memory, expected


@quick
@given(histories)
def test_committed_edits_equal_the_dictionary(history):
    memory, expected = recorded(history)
    got = table_of(memory.committed)
    assert list(got) == sorted(expected)
    for at, (epoch, loss) in expected.items():
        assert got[at][0] == epoch
        assert math.isclose(got[at][1], loss, rel_tol=1e-6)
    assert len(memory.committed) == len(expected)


@quick
@given(
    histories, st.lists(st.integers(0, 12), max_size=8), st.sampled_from([torch.int8, torch.int64])
)
def test_lookup_equals_the_dictionary(history, rows, dtype):
    memory, expected = recorded(history)
    labels = torch.randint(-1, 2, (len(rows), 7)).to(dtype)
    before = labels.clone()
    got = memory.applied_to(labels, torch.tensor(rows, dtype=torch.int64))
    assert torch.equal(labels, before)
    assert got.dtype == dtype
    for b, row in enumerate(rows):
        for c in range(7):
            edited = (row, c) in expected and before[b, c] == -1
            assert got[b, c] == (1 if edited else before[b, c])


@quick
@given(histories, entries)
def test_state_restores_committed_and_proposed(history, waiting):
    memory, _ = recorded(history)
    propose(memory, waiting, 9)
    other = EditMemory()
    propose(other, [(3, 3)], 0)
    other.restore(memory.state())
    assert table_of(other.committed) == table_of(memory.committed)
    memory.commit()
    other.commit()
    for field in FIELDS:
        got, expected = getattr(other.committed, field), getattr(memory.committed, field)
        assert got.dtype == expected.dtype
        assert torch.equal(got, expected)


def test_proposals_are_not_in_force():
    memory = EditMemory()
    propose(memory, [(0, 1)], 0)
    labels = torch.full((1, 7), -1)
    assert torch.equal(memory.applied_to(labels, torch.tensor([0])), labels)
    memory.commit()
    assert memory.applied_to(labels, torch.tensor([0])).tolist() == [[-1, 1, -1, -1, -1, -1, -1]]


def test_committing_nothing_changes_nothing():
    memory = EditMemory()
    memory.commit()
    assert len(memory.committed) == 0
    propose(memory, [(0, 1)], 0)
    memory.commit()
    before = table_of(memory.committed)
    memory.commit()
    assert table_of(memory.committed) == before


def test_an_entrys_first_edit_stays():
    memory = EditMemory()
    for epoch in (2, 1):
        propose(memory, [(0, 1)], epoch)
    memory.commit()
    propose(memory, [(0, 1)], 7)
    memory.commit()
    assert memory.committed.epochs.tolist() == [2]


def test_a_state_taken_earlier_does_not_change():
    memory = EditMemory()
    propose(memory, [(0, 1)], 0)
    memory.commit()
    state = memory.state()
    before = {name: value.clone() for name, value in state.items()}
    propose(memory, [(0, 2), (5, 5)], 1)
    memory.commit()
    assert all(torch.equal(state[name], value) for name, value in before.items())


def test_a_repeated_row_is_edited_wherever_it_comes():
    memory = EditMemory()
    propose(memory, [(4, 0), (4, 6)], 0)
    memory.commit()
    got = memory.applied_to(-torch.ones(3, 7, dtype=torch.int8), torch.tensor([4, 1, 4]))
    assert got[:, [0, 6]].tolist() == [[1, 1], [-1, -1], [1, 1]]
    assert int((got == 1).sum()) == 4


def test_large_row_numbers_and_classes():
    memory = EditMemory()
    rows = torch.tensor([3_400_000_000, 7])
    selected = torch.zeros(2, 30_000, dtype=torch.bool)
    selected[0, 29_999] = selected[1, 0] = True
    memory.propose(rows, selected, torch.zeros(2, 30_000), 0)
    memory.commit()
    assert memory.committed.rows.tolist() == [7, 3_400_000_000]
    assert memory.committed.columns.tolist() == [0, 29_999]


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_rows_of_any_integer_type(dtype):
    memory = EditMemory()
    chosen = torch.tensor([[True, False]])
    memory.propose(torch.tensor([5], dtype=dtype), chosen, torch.zeros(1, 2), 0)
    memory.commit()
    got = memory.applied_to(torch.tensor([[-1, -1]]), torch.tensor([5], dtype=dtype))
    assert got.tolist() == [[1, -1]]


def test_an_edit_of_a_class_that_is_not_there():
    memory = EditMemory()
    propose(memory, [(0, 6)], 0)
    memory.commit()
    with pytest.raises(ConfigError, match="edits name class 6, but the labels have 5 classes"):
        memory.applied_to(torch.zeros(1, 5, dtype=torch.int8), torch.tensor([0]))


def test_a_state_without_edits():
    with pytest.raises(CheckpointError, match="no label edits"):
        EditMemory().restore({})


def test_edits_join_in_order():
    one = Edits(*(torch.tensor([value]) for value in (1, 2, 3, 4.0, 1)))
    joined = Edits.join([Edits.none(), one, one])
    assert joined.rows.tolist() == [1, 1]
    assert len(Edits.none()) == 0
