"""Shows how runs and long loops go on: bars or lines, a line after each epoch, the time left."""

import html
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.text import Text

from largeloss.terminal import SafeConsole
from largeloss.training.listener import Listener
from largeloss.watch import MakeBar

SECONDS = 20.0
"""Between two lines of a long loop where there is no terminal."""
_ROUNDING = 1e-6  # epochs: sums of shares


class Progress:
    """Shows messages, remarks and the progress of runs.

    Args:
        message: Shows a plain line.
        remark: Shows something that the user should know.
        bar: Begins a bar, for :func:`largeloss.watch.shown_by`; None for no bars.
    """

    def __init__(
        self,
        message: Callable[[str], None],
        remark: Callable[[str], None],
        bar: MakeBar | None,
    ) -> None:
        self.message, self.remark, self.bar = message, remark, bar
        self.clock = Clock()

    def expect(self, work: float) -> None:
        """So many epochs of all training images are to be trained, of all runs together."""
        self.clock = Clock(work)

    def expect_more(self, work: float) -> None:
        """So many have come on top of those expected."""
        self.clock.total += work

    def listener(self, title: str, share: float = 1) -> "RunListener":
        """A listener for the next run, whose epochs have a share of the training images."""
        return RunListener(title, self, share)


class RunListener(Listener):
    """Shows one run, or the phase of it that has a clock of its ``own``."""

    def __init__(
        self, title: str, shown: Progress, share: float, own: "Clock | None" = None
    ) -> None:
        self.title, self.shown, self.share, self._own = title, shown, share, own

    @property
    def clock(self) -> "Clock":
        return self._own or self.shown.clock

    def message(self, text: str) -> None:
        self.shown.message(text)

    def remark(self, text: str) -> None:
        self.shown.remark(text)

    def begin_epoch(self, epoch: int, epochs: int, steps: int) -> None:
        self.clock.begin()

    def end_epoch(self, record: dict[str, Any]) -> None:
        self.clock.done += self.share
        names = {"val_map": "val mAP", "val_log_rank": "val log rank", "test_map": "test mAP"}
        figures = "  ".join(
            f"{named} {'–' if record[name] is None else format(record[name], '.1f'):>5}"
            for name, named in names.items()
            if name in record
        )
        self.message(
            f"{self.title}  epoch {record['epoch']:2d}  loss {record['train_loss']:.4f}  "
            f"{figures}  {self.clock.left()}"
        )

    def stopped_early(self, why: str, left: int) -> None:
        self.skipped(left)
        self.message(f"{self.title}  {why}")

    def skipped(self, epochs: int) -> None:
        self.clock.total -= epochs * self.share

    def head(self, epochs: int) -> "RunListener":
        return RunListener(self.title, self.shown, self.share, Clock(epochs * self.share))


class Clock:
    """Estimates the time left from the epochs that are over: an epoch of a tenth of the images is
    a tenth of an epoch."""

    def __init__(self, total: float = 0) -> None:
        self.total, self.done = total, 0.0
        self.begun: float | None = None

    def begin(self) -> None:
        """An epoch begins; the time before the first does not count."""
        self.begun = self.begun or time.perf_counter()

    def left(self) -> str:
        """In words."""
        left = self.total - self.done
        if left < _ROUNDING or not self.done or self.begun is None:
            return ""
        seconds = (time.perf_counter() - self.begun) / self.done * left
        return f"{about(seconds)} left"


def about(seconds: float) -> str:
    """A time that is estimated, in words."""
    return f"about {seconds:.0f} s" if seconds < 90 else f"about {seconds / 60:.0f} min"


def terminal_progress(console: Console, remark: Callable[[str], None]) -> Progress:
    """Bars on a terminal, plain lines where the output goes elsewhere."""

    def message(text: str) -> None:
        console.print(Text(text))

    return Progress(message, remark, terminal_bars(console, message))


def terminal_bars(console: Console, message: Callable[[str], None]) -> MakeBar:
    """Begins bars on a terminal; elsewhere long loops have a line now and then.

    A command of a notebook's cell (``!largeloss …``) sees a terminal, but each drawing of a bar
    would be kept with the notebook.
    """
    drawn = console.is_terminal and "JPY_PARENT_PID" not in os.environ
    return TerminalBars(console).begin if drawn else partial(LineBar, message)


def silent_progress() -> Progress:
    """Shows nothing."""
    return Progress(lambda text: None, lambda text: None, None)


def usual_progress() -> Progress:
    """Of a notebook where the code runs in one, else of a terminal."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None and hasattr(shell, "kernel"):
        return Progress(print, lambda text: print(f"Note: {text}"), NotebookBars().begin)
    errors, console = SafeConsole(stderr=True), SafeConsole()
    return terminal_progress(console, lambda text: errors.print(Text(f"Note: {text}")))


class TerminalBars:
    """Drawn by rich, one below the other; each vanishes when its loop is over."""

    def __init__(self, console: Console) -> None:
        self._console, self._open = console, 0
        self._drawn: RichProgress | None = None

    def begin(self, title: str, total: int, done: int) -> "TerminalBar":
        """A bar below those that are shown."""
        if self._drawn is None:
            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TextColumn("{task.completed:,}/{task.total:,}"),
                TimeRemainingColumn(),
            )
            self._drawn = RichProgress(*columns, console=self._console, transient=True)
            self._drawn.start()
        self._open += 1
        task = self._drawn.add_task(title, total=total, completed=done)
        return TerminalBar(self, self._drawn, task)

    def closed(self) -> None:
        """One bar is closed; after the last nothing is drawn."""
        self._open -= 1
        if not self._open and self._drawn is not None:
            self._drawn.stop()
            self._drawn = None


class TerminalBar:
    """One of :class:`TerminalBars`."""

    def __init__(self, bars: TerminalBars, drawn: RichProgress, task: TaskID) -> None:
        self._bars, self._drawn, self._task = bars, drawn, task

    def advance(self) -> None:
        self._drawn.advance(self._task)

    def close(self) -> None:
        self._drawn.remove_task(self._task)
        self._bars.closed()


class LineBar:
    """A line every :data:`SECONDS`, for output that goes into a file; none of a short loop."""

    def __init__(
        self, message: Callable[[str], None], title: str, total: int, done: int = 0
    ) -> None:
        self._message, self._title, self._total = message, title, total
        self._done = self._before = done
        self._begun = self._shown = time.monotonic()

    def advance(self) -> None:
        self._done += 1
        now = time.monotonic()
        if now - self._shown < SECONDS or self._done == self._total:
            return
        self._shown = now
        done, left = self._done - self._before, self._total - self._done
        self._message(
            f"{self._title}: {self._done:,} of {self._total:,}, "
            f"{about((now - self._begun) / done * left)} left"
        )

    def close(self) -> None:
        """Nothing is drawn that would have to be removed."""


class NotebookBars:
    """HTML bars in the output of a notebook's cell, in one place; about five times per second."""

    def __init__(self) -> None:
        self._notebook = import_module("IPython.display")
        self._open: list[NotebookBar] = []
        self._place: Any = None
        self._shown = 0.0

    def begin(self, title: str, total: int, done: int) -> "NotebookBar":
        """A bar below those that are shown."""
        bar = NotebookBar(self, title, total, done)
        self._open.append(bar)
        self.draw()
        return bar

    def end(self, bar: "NotebookBar") -> None:
        """The bar vanishes."""
        self._open.remove(bar)
        self.draw()

    def draw(self, at_once: bool = True) -> None:
        """Shows the bars as they are now."""
        if at_once or time.monotonic() - self._shown > 0.2:
            self._shown = time.monotonic()
            drawn = self._notebook.HTML("<br>".join(bar.drawn() for bar in self._open))
            if self._place is None:
                self._place = self._notebook.display(drawn, display_id=True)
            else:
                self._place.update(drawn)


class NotebookBar:
    """One of :class:`NotebookBars`."""

    def __init__(self, bars: NotebookBars, title: str, total: int, done: int) -> None:
        self._bars, self._title, self._total, self._done = bars, title, total, done

    def advance(self) -> None:
        self._done += 1
        self._bars.draw(at_once=self._done == self._total)

    def close(self) -> None:
        self._bars.end(self)

    def drawn(self) -> str:
        """As HTML."""
        return (
            f"{html.escape(self._title)} <progress value='{self._done}' max='{self._total}'>"
            f"</progress> {self._done}/{self._total}"
        )
