"""What is shown of a long list."""

from collections.abc import Sequence
from typing import TypeVar

Row = TypeVar("Row")


def ends(rows: Sequence[Row], limit: int) -> tuple[Sequence[Row], int, Sequence[Row]]:
    """(the first ``limit``, how many are left out, the last ``limit``); all first where few."""
    if len(rows) <= 2 * limit:
        return rows, 0, ()
    return rows[:limit], len(rows) - 2 * limit, rows[-limit:]
