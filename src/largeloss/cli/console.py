"""Where output goes: colour and bars on a terminal, plain lines elsewhere."""

import os
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from largeloss.terminal import SafeConsole

if TYPE_CHECKING:
    from largeloss.progress import Progress
    from largeloss.watch import Bar, MakeBar

# Under torchrun the first process alone speaks; errors are shown by whichever process has them.
_silent = os.environ.get("RANK", "0") != "0"

_given: list[str] = []

out = SafeConsole(quiet=_silent)
err = SafeConsole(stderr=True)


def complain(message: str) -> None:
    """One message on the error stream."""
    err.print(Text.assemble(("Error: ", "bold red"), message))


def note(message: str) -> None:
    """One remark that the user should see."""
    if not _silent:
        err.print(Text.assemble(("Note: ", "bold yellow"), message))


def warn(message: str) -> None:
    """Something that is likely to surprise."""
    if not _silent:
        err.print(Text.assemble(("Warning: ", "bold magenta"), message))


def command_line() -> str:
    """The command that is being run, as one would type it."""
    return shlex.join(["largeloss", *_given])


def remember(arguments: Sequence[str]) -> None:
    """Keeps the arguments of the command that begins."""
    _given[:] = arguments


def counted(number: int, noun: str) -> str:
    """``3 seeds``, ``1 seed``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def say(message: str) -> None:
    """One plain line."""
    out.print(Text(message))


def bars() -> "MakeBar":
    """Shows long loops; rich's bars are imported with the first of them."""
    made: list[MakeBar] = []

    def bar(title: str, total: int, done: int) -> "Bar":
        from largeloss.progress import terminal_bars

        if not made:
            made.append(terminal_bars(out, say))
        return made[0](title, total, done)

    return bar


def progress() -> "Progress":
    """Shows how runs go on, one line per epoch."""
    from largeloss.progress import terminal_progress

    return terminal_progress(out, note)
