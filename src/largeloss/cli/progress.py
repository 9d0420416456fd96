"""How training goes on: a bar with the time left on a terminal, a line an epoch elsewhere."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from largeloss.cli.console import note, out, say
from largeloss.training.engine import Step


class Progressing:
    """A listener that shows one run's progress.

    Args:
        title: Stands before each line.
        clock: Shared between the runs of a comparison.
    """

    def __init__(self, title: str, clock: "Clock") -> None:
        self.title, self.clock, self.first = title, clock, True

    def batches(self, epoch: int, epochs: int, steps: Iterable[Step], total: int) -> Iterator[Step]:
        """Passes the steps on, with a bar on a terminal."""
        self.clock.begin(self.first and epoch)
        self.first = False
        if not out.is_terminal:
            yield from steps
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=out, transient=True) as bar:
            task = bar.add_task(f"{self.title} epoch {epoch + 1}/{epochs}", total=total)
            for step in steps:
                yield step
                bar.advance(task)

    def epoch(self, record: dict[str, Any]) -> None:
        """One line an epoch."""
        self.clock.advance()
        test = f"  test mAP {record['test_map']:5.1f}" if "test_map" in record else ""
        say(
            f"{self.title}  epoch {record['epoch']:2d}  loss {record['train_loss']:.4f}  "
            f"val mAP {record['val_map']:5.1f}{test}  {self.clock.left()}"
        )

    def remark(self, text: str) -> None:
        """Before the first epoch."""
        note(text)


class Clock:
    """Estimates the time left from the epochs that are over."""

    def __init__(self, total_epochs: int) -> None:
        self.total, self.done = total_epochs, 0
        self.begun: float | None = None

    def advance(self, epochs: int = 1) -> None:
        """Some epochs are over."""
        self.done += epochs

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
