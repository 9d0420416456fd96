"""Who is told how a run goes on: a terminal, a notebook, or nobody."""

from typing import Any


class Listener:
    """Is told how a run goes on, in the first process alone; this one shows nothing.

    Progress within an epoch is shown by :mod:`largeloss.watch`.
    """

    title = ""
    """Of the run, where several are shown."""

    def message(self, text: str) -> None:
        """A plain line."""

    def remark(self, text: str) -> None:
        """Something that the user should know."""

    def begin(self) -> None:
        """The settings are checked and the run folder is there; training begins, or goes on."""

    def begin_epoch(self, epoch: int, epochs: int, steps: int) -> None:
        """An epoch of so many steps begins, or goes on after an interruption."""

    def step(self) -> None:
        """A step was taken."""

    def end_epoch(self, record: dict[str, Any]) -> None:
        """An epoch is over; its line of ``metrics.csv``."""

    def stopped_early(self, why: str, left: int) -> None:
        """No more epochs are trained, although ``left`` were asked for."""

    def skipped(self, epochs: int) -> None:
        """So many epochs that were asked for are not trained now: they were before, or no teacher
        is needed."""

    def head(self, epochs: int) -> "Listener":
        """Who is told of LinearInit's first phase, of so many epochs, which are short ones."""
        return self

    def close(self) -> None:
        """Training is over, or was stopped."""
