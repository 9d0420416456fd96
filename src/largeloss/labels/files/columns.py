"""Columns of label files as arrays."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import compute as pc

from largeloss.errors import LabelError
from largeloss.labels.entries import Ints, States

WRONG = 2
"""Stands for a value that is no state."""
_OF_LETTER = np.full(256, WRONG, dtype=np.int8)
_OF_LETTER[[ord("0"), ord("1")]] = 0, 1
SPELLINGS = {"1.0": 1, "true": 1, "0.0": 0, "false": 0, "nan": -1}
"""What else 1, 0 and blank are called in text, in lower case."""


def plain_states(column: Any) -> States | None:
    """(lines,) int8 of a column of strings that are 1, 0 or blank; None where others are there."""
    found = []
    for chunk in column.chunks:
        _, offsets, letters = chunk.buffers()
        ends = np.frombuffer(offsets, np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
        lengths = np.diff(ends)
        if lengths.max(initial=0) > 1:
            return None
        states = np.full(len(chunk), -1, dtype=np.int8)
        if letters is not None and ends[-1] > ends[0]:
            own = _OF_LETTER[np.frombuffer(letters, np.uint8)[ends[0] : ends[-1]]]
            if own.max() == WRONG:
                return None
            states[lengths == 1] = own
        found.append(states)
    return np.concatenate(found)


def joined_column(parts: Sequence[Any]) -> Any:
    """A column of several parts: of states where all are states, else of text."""
    if parts and all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts)
    chunks = [chunk for part in parts for chunk in as_text(part).chunks]
    return pa.chunked_array(chunks, pa.string())


def as_text(column: Any) -> Any:
    """The column as strings, nulls as blanks; LabelError where it holds something else."""
    if isinstance(column, np.ndarray):
        spelled = pa.array(["", "0", "1"]).take(pa.array(column.astype(np.int64) + 1))
        return pa.chunked_array([spelled])
    try:
        return pc.fill_null(column.cast(pa.string()), "")
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise LabelError(
            f"A column of type {column.type} holds neither names nor labels."
        ) from None


def coded(text: Any) -> tuple[tuple[str, ...], Ints]:
    """(distinct strings in order of appearance, the number of each string among them)."""
    distinct = pc.unique(text)
    codes = pc.index_in(text, value_set=distinct).to_numpy().astype(np.int64)
    return tuple(distinct.to_pylist()), codes


def states_of(column: Any) -> tuple[States, set[str]]:
    """(lines,) int8: 1, 0, -1 for blank or null, and 2 for anything else; not to be changed.

    And how values are written that are read as one of ``SPELLINGS``.
    """
    if isinstance(column, np.ndarray):
        return column, set()
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    floating = pa.types.is_floating(column.type)
    numeric = floating or pa.types.is_integer(column.type)
    if pa.types.is_float16(column.type) or pa.types.is_uint64(column.type):
        column = column.cast(pa.float64(), safe=False)  # neither can be compared as it is
    column = column if numeric else as_text(column)
    blank = pc.is_null(column) if numeric else pc.equal(column, "")
    states = np.full(len(column), WRONG, dtype=np.int8)
    states[np.asarray(blank)] = -1
    for state in (0, 1):
        same = pc.equal(column, state if numeric else str(state))
        states[np.asarray(pc.fill_null(same, False))] = state
    if floating:
        missing = np.asarray(pc.fill_null(pc.is_nan(column), False))
        states[missing] = -1
        return states, {"NaN"} if missing.any() else set()
    if numeric or not (states == WRONG).any():
        return states, set()
    spelled = {value for value in pc.unique(column).to_pylist() if value.lower() in SPELLINGS}
    for value in spelled:
        states[np.asarray(pc.equal(column, value))] = SPELLINGS[value.lower()]
    return states, spelled


def first(mask: Any) -> int | None:
    """The position of the first true value."""
    found = np.flatnonzero(np.asarray(mask))
    return int(found[0]) if found.size else None
