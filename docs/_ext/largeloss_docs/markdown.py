"""Small pieces of Markdown."""

import re
from collections.abc import Iterable, Sequence

ROLE = re.compile(r":[a-z]+:`~?\.?([^`<]+?)(?: <[^`]*>)?`")


def code(text: str) -> str:
    """``text`` as code that also stands within a table."""
    text = " ".join(text.split())
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}".replace("|", "\\|") if text else ""


def plain(text: str) -> str:
    """The text of a docstring without its roles and with single backticks."""
    return ROLE.sub(r"`\1`", text).replace("``", "`")


def prose(text: str) -> str:
    """Text that was written for a terminal or a docstring, on one line, as Markdown."""
    text = " ".join(plain(text).split())
    pieces = re.split(r"(`[^`]+`)", text)
    return "".join(
        piece if piece.startswith("`") else re.sub(r"([*_<>\[\]|$])", r"\\\1", piece)
        for piece in pieces
    )


def cell(text: str) -> str:
    """``text`` within a table."""
    return re.sub(r"(?<!\\)\|", r"\\|", " ".join(text.split()))


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of the class ``reference``; its cells are Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "{.reference}\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)
