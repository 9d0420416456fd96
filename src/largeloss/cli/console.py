"""Where output goes: colour and bars on a terminal, plain lines elsewhere."""

import os

from rich.console import Console
from rich.text import Text

# Under torchrun the first process alone speaks; errors are shown by whichever process has them.
_silent = os.environ.get("RANK", "0") != "0"

out = Console(highlight=False, soft_wrap=True, quiet=_silent)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def complain(message: str) -> None:
    """One message on the error stream."""
    err.print(Text.assemble(("Error: ", "bold red"), message))


def note(message: str) -> None:
    """One remark that the user should see."""
    if _silent:
        return
    err.print(Text.assemble(("Note: ", "bold yellow"), message))


def warn(message: str) -> None:
    """Something that is likely to surprise."""
    if _silent:
        return
    err.print(Text.assemble(("Warning: ", "bold magenta"), message))


def say(message: str) -> None:
    """One plain line."""
    out.print(Text(message))
