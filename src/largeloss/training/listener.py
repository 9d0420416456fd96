"""Who is told how a run goes on: a terminal, a notebook, or nobody."""

from typing import Any, Protocol


class Listener(Protocol):
    """Is told how a run goes on. Only the first process has one."""

    def message(self, text: str) -> None:
        """A plain line."""

    def remark(self, text: str) -> None:
        """Something that the user should know."""

    def begin_epoch(self, epoch: int, epochs: int, steps: int) -> None:
        """An epoch of so many steps begins, or goes on after an interruption."""

    def step(self) -> None:
        """A step was taken."""

    def end_epoch(self, record: dict[str, Any]) -> None:
        """An epoch is over; its line of ``metrics.csv``."""

    def close(self) -> None:
        """Training is over, or was stopped."""


class Silent:
    """A listener that shows nothing."""

    def message(self, text: str) -> None:
        return

    def remark(self, text: str) -> None:
        return

    def begin_epoch(self, epoch: int, epochs: int, steps: int) -> None:
        return

    def step(self) -> None:
        return

    def end_epoch(self, record: dict[str, Any]) -> None:
        return

    def close(self) -> None:
        return
