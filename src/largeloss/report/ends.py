"""The first and the last rows of a long list."""

from collections.abc import Sequence
from typing import TypeVar

Row = TypeVar("Row")
CLASSES = 40
"""Pages show this many of the most and of the least frequent classes, or all if there are few."""


def ends(rows: Sequence[Row], limit: int = CLASSES) -> tuple[Sequence[Row], int, Sequence[Row]]:
    """Shortens a long list.

    Args:
        rows: The list.
        limit: Rows that are kept at either end.

    Returns:
        The first ``limit`` rows, the number of rows left out, and the last ``limit`` rows. A list
        of at most ``2 * limit`` rows is returned as the first part.
    """
    if len(rows) <= 2 * limit:
        return rows, 0, ()
    return rows[:limit], len(rows) - 2 * limit, rows[-limit:]
