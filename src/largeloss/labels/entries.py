"""Observed entries as sorted arrays: the arithmetic beneath the label table.

An entry's key is ``row * num_classes + column``, so that sorted keys are entries in reading order.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from largeloss.errors import LabelError

_CELLS = 1 << 22
"""Of labels, looked at in one go."""

Ints = NDArray[np.int64]
States = NDArray[np.int8]


class Entries(NamedTuple):
    """Entries of a table: int64 rows and columns (M,), int8 states (M,)."""

    rows: Ints
    columns: Ints
    states: States


def checked_entries(
    rows: ArrayLike,
    columns: ArrayLike,
    states: ArrayLike,
    shape: tuple[int, int],
    allowed: tuple[int, ...],
) -> Entries:
    """Entries (M,) of a table of ``shape``; a single number stands for M equal ones.

    Raises:
        LabelError: not whole numbers, lengths that differ, or a value out of range.
    """
    arrays = [np.asarray(values) for values in (rows, columns, states)]
    try:
        arrays = list(np.broadcast_arrays(*arrays))
    except ValueError:
        arrays = []
    if not arrays or arrays[0].ndim > 1:
        raise LabelError("Rows, columns and states must be of one length, in one dimension.")
    arrays = [np.atleast_1d(array) for array in arrays]
    limits = (range(shape[0]), range(shape[1]), range(min(allowed), max(allowed) + 1))
    for array, limit, name in zip(arrays, limits, ("row", "column", "state"), strict=True):
        check_range(array, limit, name)
    whole, columns_, states_ = arrays
    return Entries(whole.astype(np.int64), columns_.astype(np.int64), states_.astype(np.int8))


def check_range(array: NDArray[Any], limit: range, name: str) -> None:
    """Raises LabelError unless all numbers of ``array`` are whole and in ``limit``."""
    if not array.size:
        return
    if array.dtype.kind not in "iu":
        raise LabelError(f"A {name} must be a whole number, got an array of type {array.dtype}.")
    low, high = int(array.min()), int(array.max())
    if low < limit.start or high >= limit.stop:
        wrong = low if low < limit.start else high
        raise LabelError(
            f"There is no {name} {wrong}: "
            + (f"{limit.start} to {limit.stop - 1} are possible." if limit else "there are none.")
        )


def fit_together(
    offsets: NDArray[Any],
    columns: NDArray[Any],
    states: NDArray[Any],
    shape: tuple[int, int],
) -> bool:
    """Whether the arrays make up sparse rows of ``shape``, columns ascending inside a row."""
    if offsets.shape != (shape[0] + 1,) or columns.shape != states.shape or columns.ndim != 1:
        return False
    if offsets[0] != 0 or offsets[-1] != columns.size or (offsets[1:] < offsets[:-1]).any():
        return False
    if not columns.size:
        return True
    ascending = columns[1:] > columns[:-1]
    starts = offsets[1:-1]
    ascending[starts[(starts > 0) & (starts < columns.size)] - 1] = True
    in_range = columns.min() >= 0 and columns.max() < shape[1]
    return bool(in_range and ascending.all() and states.min() >= 0 and states.max() <= 1)


def sort_and_merge(keys: Ints, states: States) -> tuple[Ints, States]:
    """Entries (M,) in ascending order of key, equal duplicates merged; conflicts stay side by side.

    ``states`` are 1 or 0. Key and state are sorted as one number, which needs no index array.
    """
    packed = sorted_distinct(keys * 2 + states)
    return packed >> 1, (packed & 1).astype(np.int8)


def sorted_distinct(numbers: Ints) -> Ints:
    """As ``np.unique``, which takes twenty times as long; may sort ``numbers`` in place."""
    if numbers.size and not bool((numbers[1:] > numbers[:-1]).all()):
        numbers.sort()
        first = np.ones(numbers.size, dtype=bool)
        np.not_equal(numbers[1:], numbers[:-1], out=first[1:])
        numbers = numbers[first]
    return numbers


def find_conflict(keys: Ints, states: States) -> tuple[int, int] | None:
    """Positions, the smaller one first, of two entries with one key and different states."""
    merged, _ = sort_and_merge(keys, states)
    repeated = merged[1:][merged[1:] == merged[:-1]]
    if not repeated.size:
        return None
    same = np.flatnonzero(keys == repeated[0])
    other = same[states[same] != states[same[0]]]
    return int(same[0]), int(other[0])


def offsets_of(rows: NDArray[np.integer], num_rows: int) -> Ints:
    """(num_rows + 1,) where the entries of each row begin once sorted; the last is their number."""
    offsets = np.zeros(num_rows + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows, minlength=num_rows), out=offsets[1:])
    return offsets


def sparse_rows(dense: States) -> tuple[Ints, NDArray[Any], States]:
    """Offsets (N+1,), columns (M,) and states (M,) of the observed entries of (N, C) labels.

    A few rows are looked at in one go: numbers of rows and columns of all entries would take
    sixteen times the memory of the labels.
    """
    num_rows, num_columns = dense.shape
    offsets = np.zeros(num_rows + 1, dtype=np.int64)
    rows = max(1, _CELLS // max(1, num_columns))
    parts = [slice(start, start + rows) for start in range(0, num_rows, rows)]
    for part in parts:
        offsets[1:][part] = np.count_nonzero(dense[part] >= 0, axis=1)
    np.cumsum(offsets, out=offsets)
    columns = np.empty(offsets[-1], dtype=column_type(num_columns))
    states = np.empty(offsets[-1], dtype=np.int8)
    numbers = np.arange(num_columns, dtype=columns.dtype)
    for part in parts:
        own = dense[part]
        observed = own >= 0
        place = slice(offsets[part.start], offsets[min(part.stop, num_rows)])
        columns[place] = np.broadcast_to(numbers, own.shape)[observed]
        states[place] = own[observed]
    return offsets, columns, states


def column_type(num_columns: int) -> type[np.uint16 | np.int32]:
    """The narrowest type of numbers of columns."""
    return np.uint16 if num_columns <= 65535 else np.int32


def gather(offsets: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """(lengths (B,), positions (L,)): how many entries each row has, and where they stand."""
    starts = offsets[rows]
    lengths = offsets[rows + 1] - starts
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if ends.size else 0
    return lengths, np.arange(total) + np.repeat(starts - ends + lengths, lengths)
