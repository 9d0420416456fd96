"""Where output goes: colour and bars on a terminal, plain lines elsewhere."""

from rich.console import Console
from rich.text import Text

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def complain(message: str) -> None:
    """One message on the error stream."""
    err.print(Text.assemble(("Error: ", "bold red"), message))


def note(message: str) -> None:
    """One remark that the user should see."""
    err.print(Text.assemble(("Note: ", "bold yellow"), message))


def say(message: str) -> None:
    """One plain line."""
    out.print(Text(message))
