"""Fenced blocks of the documentation, and the commands in them."""

import re
import shlex
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *(
        path
        for path in sorted(DOCS.rglob("*.md"))
        if not path.relative_to(DOCS).parts[0].startswith("_")  # generated
    ),
]
FENCED = re.compile(r"^ *```(\S*)[^\n]*\n(.*?)^ *```\s*$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(largeloss [^`]+)`")


@dataclass(frozen=True)
class Block:
    """What stands between two fences."""

    page: str
    line: int
    """Of the opening fence, from 1."""
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    name = page.relative_to(ROOT).as_posix()
    return [
        Block(name, text.count("\n", 0, found.start()) + 1, found[1], textwrap.dedent(found[2]))
        for found in FENCED.finditer(text)
    ]


def commands(text: str) -> list[list[str]]:
    """The words of every command of a block: lines are joined, comments and ``$ `` left out."""
    lines = text.replace("\\\n", " ").splitlines()
    split = [shlex.split(line.removeprefix("$ "), comments=True) for line in lines]
    return [words for words in split if words]


OPTIONS = re.compile(r"\A(?:---\n.*?^---\n|(?::[^\n]*\n)+)\n*", re.MULTILINE | re.DOTALL)
"""Of a cell, before its code: YAML between two lines, or lines with a colon."""


def cell(block: Block) -> tuple[str, str]:
    """The Python of a notebook's cell, without its options, and its commands.

    A file that the cell writes (``%%writefile``) is no Python.
    """
    code = OPTIONS.sub("", block.text)
    magic, _, rest = code.partition("\n")
    if magic.startswith("%%"):
        return "", rest if magic == "%%bash" else ""
    lines = code.splitlines(keepends=True)
    commands = [line[1:] for line in lines if line.startswith("!")]
    return "".join(line for line in lines if not line.startswith("!")), "".join(commands)


def inline_commands(page: Path) -> list[list[str]]:
    """The words of every `largeloss …` that stands within a sentence."""
    prose = FENCED.sub("", page.read_text(encoding="utf-8"))
    return [found[1].split() for found in INLINE.finditer(prose)]
