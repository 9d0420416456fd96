"""Whole numbers at the beginning of each line, from files of millions of lines."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from largeloss.errors import DataError

DIGITS = 9
"""Longer numbers are refused."""


class Numbers(NamedTuple):
    """L lines that are not blank."""

    values: NDArray[np.int64]
    """(L, fields)."""
    lines: NDArray[np.int64]
    """(L,) line numbers in the file, from 1."""


def leading_numbers(data: bytes, fields: int, where: str, *, exact: bool = False) -> Numbers:
    """The first ``fields`` numbers of each line.

    Args:
        data: Lines of fields between blanks; lines may differ in length.
        fields: So many must be there, and be digits only.
        where: The file, for messages.
        exact: Whether a line with more fields is refused; otherwise they do not count.

    Raises:
        DataError: a line has fewer fields, or more where that is refused, or something else than
            numbers; the message shows it.
    """
    text = np.frombuffer(b"\n" + data + b"\n", dtype=np.uint8)
    blank = (text == 32) | ((text >= 9) & (text <= 13))
    starts = np.flatnonzero(blank[:-1] & ~blank[1:]) + 1
    breaks = np.flatnonzero(text == 10)
    first = np.searchsorted(starts, breaks)  # of the tokens, on the line after each break
    counts = np.diff(first)
    lines = np.flatnonzero(counts) + 1
    uneven = (counts > 0) & ((counts != fields) if exact else (counts < fields))
    if uneven.any():
        raise _refusal(data, int(np.argmax(uneven)) + 1, fields, where, exact)
    ends = np.flatnonzero(~blank[:-1] & blank[1:]) + 1
    values = np.empty((len(lines), fields), dtype=np.int64)
    for field in range(fields):
        tokens = first[:-1][counts > 0] + field
        values[:, field], wrong = _parse(text, starts[tokens], ends[tokens])
        if wrong.any():
            raise _refusal(data, int(lines[np.argmax(wrong)]), fields, where, exact)
    return Numbers(values, lines)


def _parse(
    text: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Numbers (L,), and which of the tokens are none."""
    lengths = ends - starts
    wrong = lengths > DIGITS
    values = np.zeros(len(starts), dtype=np.int64)
    for place in range(min(DIGITS, int(lengths.max(initial=0)))):
        inside = place < lengths
        digits = text[np.where(inside, starts + place, 0)].astype(np.int64) - 48
        wrong |= inside & ((digits < 0) | (digits > 9))
        values = np.where(inside, values * 10 + digits, values)
    return values, wrong


def _refusal(data: bytes, line: int, fields: int, where: str, exact: bool) -> DataError:
    found = data.split(b"\n")[line - 1][:60].decode(errors="replace").strip()
    kind = "a whole number" if fields == 1 else f"{fields} whole numbers"
    problem = "is not" if exact else "does not begin with"
    return DataError(f"{where}, line {line}: {found!r} {problem} {kind}.")
