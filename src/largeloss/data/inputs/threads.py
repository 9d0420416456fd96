"""One function over many files, with a few threads and a bounded queue."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from largeloss.watch import watched

BLOCK = 4096
"""So many files are queued at a time: a queue of millions would take gigabytes."""

Item = TypeVar("Item")
Value = TypeVar("Value")


def map_files(
    function: Callable[[Item], Value], items: Sequence[Item], workers: int, title: str
) -> Iterator[Value]:
    """``function`` of every item, in order; ``workers`` below 1 count as 1.

    ``title`` says what is done, to whoever shows progress.
    """
    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        blocks = (items[start : start + BLOCK] for start in range(0, len(items), BLOCK))
        values = (value for block in blocks for value in pool.map(function, block))
        yield from watched(values, title, len(items))
