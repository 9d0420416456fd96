"""Long work that says how far it is. Who does it does not know who shows it, or whether anybody.

As with logging, a command or a notebook says once how progress is shown (:func:`shown_by`); loops
over files and batches run through :func:`watched`.
"""

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, TypeVar

from largeloss.errors import Interrupted

T = TypeVar("T")


class Bar(Protocol):
    """Shows how many items of a loop are done."""

    def advance(self) -> None: ...

    def close(self) -> None: ...


MakeBar = Callable[[str, int, int], Bar]
"""Begins a bar, of a title, the number of items, and how many of them are done already."""

_make_bar: ContextVar[MakeBar | None] = ContextVar("_make_bar", default=None)


@contextmanager
def shown_by(make_bar: MakeBar | None) -> Iterator[None]:
    """Within it, loops are shown by bars that ``make_bar`` begins; None shows nothing."""
    before = _make_bar.set(make_bar)
    try:
        yield
    finally:
        _make_bar.reset(before)


def watched(items: Iterable[T], title: str, total: int, done: int = 0) -> Iterator[T]:
    """``items``, while a bar shows how many of ``total`` are done."""
    make_bar = _make_bar.get()
    if make_bar is None or total <= 0:
        yield from items
        return
    bar = make_bar(title, total, done)
    try:
        for item in items:
            yield item
            bar.advance()
    finally:
        bar.close()


@contextmanager
def if_interrupted(kept: str) -> Iterator[None]:
    """Ctrl-C within it raises :class:`Interrupted` that says ``kept``: what is kept, what to do."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(signal.SIGINT, kept) from None
