"""README, docs, docstrings and messages are written in plain technical English."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from blocks import DOCS, FENCED, PAGES, ROOT

VOCABULARY = tomllib.loads((Path(__file__).parent / "vocabulary.toml").read_text(encoding="utf-8"))
WORDS = {
    word.strip(): instead
    for words, instead in VOCABULARY["instead"].items()
    for word in words.split("|")
}
CODE = re.compile(r"`[^`]*`|\]\([^)]*\)")
"""What is no prose: code, and the targets of links."""


def found_in(text: str) -> Iterator[str]:
    """What the vocabulary has another word for, with some words around it."""
    small = text.lower()
    for word in (word for word in WORDS if word in small):
        prose = CODE.sub("", text)
        for found in re.finditer(rf"(?<![\w.-]){word}(?![\w-])", prose, re.IGNORECASE):
            around = " ".join(prose[max(found.start() - 40, 0) : found.end() + 30].split())
            yield f"{word!r} (write: {WORDS[word]}) in: … {around} …"


def strings_in(code: str) -> Iterator[str]:
    """Docstrings and messages, of code with such a word anywhere."""
    if not any(word in code.lower() for word in WORDS):
        return
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.value


def test_words_of_the_pages_are_plain() -> None:
    lines = [
        f"{page.relative_to(ROOT)}: {line}"
        for page in (*PAGES, ROOT / "SECURITY.md")
        if page != DOCS / "plan.md"
        for line in found_in(FENCED.sub("", page.read_text(encoding="utf-8")))
    ]
    assert not lines, "\n".join(lines)


def test_words_of_the_code_are_plain() -> None:
    lines = [
        f"{path.relative_to(ROOT)}: {line}"
        for path in sorted((ROOT / "src").rglob("*.py"))
        for text in strings_in(path.read_text(encoding="utf-8"))
        for line in found_in(text)
    ]
    assert not lines, "\n".join(lines)


def test_other_words_are_found() -> None:
    assert (
        len(list(found_in("Pictures are mended; a picture-book, `mend` and depicture are not.")))
        == 2
    )
