"""Shows how runs go on: a bar within an epoch, a line after it, the time left."""

import html
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.text import Text

from largeloss.terminal import SafeConsole
from largeloss.training.listener import Listener


class Progress:
    """Shows messages, remarks and the progress of runs.

    Args:
        message: Shows a plain line.
        remark: Shows something that the user should know.
        bar: Begins a bar with a title and a number of steps; None for no bars.
    """

    def __init__(
        self,
        message: Callable[[str], None],
        remark: Callable[[str], None],
        bar: "Callable[[str, int], TerminalBar | NotebookBar] | None",
    ) -> None:
        self.message, self.remark, self.bar = message, remark, bar
        self.clock = Clock()

    def expect(self, epochs: int) -> None:
        """So many epochs are to be trained, of all runs together."""
        self.clock = Clock(epochs)

    def listener(self, title: str) -> "RunListener":
        """A listener for the next run."""
        return RunListener(title, self)


class RunListener(Listener):
    """Shows one run."""

    def __init__(self, title: str, shown: Progress) -> None:
        self.title, self.shown = title, shown
        self.first = True
        self.bar: TerminalBar | NotebookBar | None = None

    def message(self, text: str) -> None:
        self.shown.message(text)

    def remark(self, text: str) -> None:
        self.shown.remark(text)

    def begin_epoch(self, epoch: int, epochs: int, steps: int) -> None:
        self.shown.clock.begin(epoch if self.first else 0)
        self.first = False
        if self.shown.bar is not None:
            self.bar = self.shown.bar(f"{self.title} epoch {epoch + 1}/{epochs}", steps)

    def step(self) -> None:
        if self.bar is not None:
            self.bar.advance()

    def end_epoch(self, record: dict[str, Any]) -> None:
        self.close()
        self.shown.clock.done += 1
        test = f"  test mAP {record['test_map']:5.1f}" if "test_map" in record else ""
        self.message(
            f"{self.title}  epoch {record['epoch']:2d}  loss {record['train_loss']:.4f}  "
            f"val mAP {record['val_map']:5.1f}{test}  {self.shown.clock.left()}"
        )

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None


class Clock:
    """Estimates the time left from the epochs that are over."""

    def __init__(self, total_epochs: int = 0) -> None:
        self.total, self.done = total_epochs, 0
        self.begun: float | None = None

    def begin(self, resumed: int) -> None:
        """An epoch begins; neither the time before the first nor ``resumed`` epochs count."""
        self.total -= resumed
        self.begun = self.begun or time.perf_counter()

    def left(self) -> str:
        """In words."""
        if self.done >= self.total or self.begun is None:
            return ""
        seconds = (time.perf_counter() - self.begun) / max(1, self.done) * (self.total - self.done)
        if seconds < 90:
            return f"about {seconds:.0f} s left"
        return f"about {seconds / 60:.0f} min left"


def terminal_progress(console: Console, remark: Callable[[str], None]) -> Progress:
    """Bars on a terminal, plain lines where the output goes elsewhere."""
    bar = partial(TerminalBar, console) if console.is_terminal else None
    return Progress(lambda text: console.print(Text(text)), remark, bar)


def silent_progress() -> Progress:
    """Shows nothing."""
    return Progress(lambda text: None, lambda text: None, None)


def usual_progress() -> Progress:
    """Of a notebook where the code runs in one, else of a terminal."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None and hasattr(shell, "kernel"):
        return Progress(print, lambda text: print(f"Note: {text}"), NotebookBar)
    errors, console = SafeConsole(stderr=True), SafeConsole()
    return terminal_progress(console, lambda text: errors.print(Text(f"Note: {text}")))


class TerminalBar:
    """Drawn by rich; it vanishes when the epoch is over."""

    def __init__(self, console: Console, title: str, steps: int) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            TimeRemainingColumn(),
        )
        self._drawn = RichProgress(*columns, console=console, transient=True)
        self._task = self._drawn.add_task(title, total=steps)
        self._drawn.start()

    def advance(self) -> None:
        self._drawn.advance(self._task)

    def close(self) -> None:
        self._drawn.stop()


class NotebookBar:
    """An HTML bar in the output of a notebook's cell; updated about five times a second."""

    def __init__(self, title: str, steps: int) -> None:
        notebook = import_module("IPython.display")
        self._title, self._steps, self._done = title, steps, 0
        self._html, self._shown = notebook.HTML, time.monotonic()
        self._handle = notebook.display(self._html(self._drawn()), display_id=True)

    def advance(self) -> None:
        self._done += 1
        if time.monotonic() - self._shown > 0.2 or self._done == self._steps:
            self._shown = time.monotonic()
            self._handle.update(self._html(self._drawn()))

    def close(self) -> None:
        self._handle.update(self._html(""))

    def _drawn(self) -> str:
        return (
            f"{html.escape(self._title)} <progress value='{self._done}' max='{self._steps}'>"
            f"</progress> {self._done}/{self._steps}"
        )
