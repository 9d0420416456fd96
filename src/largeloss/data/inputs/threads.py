"""One function over many files, with one thread per core and a bounded queue."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from largeloss.watch import watched

BLOCK = 4096
"""So many files are queued at a time: a queue of millions would take gigabytes."""
_TOGETHER = 32  # files that a thread takes at once: small ones are read faster than handed over

Item = TypeVar("Item")
Value = TypeVar("Value")


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_files(
    function: Callable[[Item], Value], items: Sequence[Item], workers: int, title: str
) -> Iterator[Value]:
    """``function`` of every item, in order; ``workers`` below 1 count as 1.

    ``title`` says what is done, to whoever shows progress.
    """
    workers = max(1, workers)

    def several(part: Sequence[Item]) -> list[Value]:
        return [function(item) for item in part]

    def values() -> Iterator[Value]:
        for start in range(0, len(items), BLOCK):
            block = items[start : start + BLOCK]
            size = max(1, min(_TOGETHER, len(block) // (4 * workers)))
            parts = [block[first : first + size] for first in range(0, len(block), size)]
            for found in pool.map(several, parts):
                yield from found

    with ThreadPoolExecutor(max_workers=workers) as pool:
        yield from watched(values(), title, len(items))
