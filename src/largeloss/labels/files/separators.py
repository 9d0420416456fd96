"""Tags that look like several tags in one: separated by a comma, say, and not by a semicolon."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

SEPARATOR = ";"
"""Between the labels of one cell in the list layout."""
_OTHERS = (",", "|", "\t", "，", "、", "；")
"""The last three are of Chinese and Japanese keyboards."""
_PYTHON = re.compile(r"[\[({]\s*['\"].*['\"],?\s*[\])}]", re.DOTALL)


class Doubt(NamedTuple):
    """A tag that may be several."""

    tag: str
    words: str
    """What speaks for it, and what to do."""
    certain: bool
    """Whether it can hardly be the name of one class."""


def doubts(tags: Sequence[str], several: bool) -> Iterator[Doubt]:
    """What may be several of the distinct ``tags`` of a file; what is certain comes first.

    ``several`` says whether a cell of the file holds two tags between semicolons.

    'Dog, small' may well be one class, also beside 'Dog'. It is hardly one where cells have
    semicolons and both of its parts are tags, too. Without any semicolon nothing tells lists from
    the names of ImageNet ('blade, vane'), but that lists are made of few words: it is hardly one
    where both parts are tags, or the last part of one is the first of another, and most of the
    parts recur in other tags.
    """
    for tag in tags:
        if _PYTHON.fullmatch(tag):
            words = (
                f"the tag {tag!r} is a list as Python prints it. Write 'cat;dog' in one cell; with "
                "pandas: table['labels'] = table['labels'].str.join(';') before to_csv."
            )
            yield Doubt(tag, words, True)
            return
    found = [one for mark in _OTHERS for one in _of_mark(tags, mark, several)]
    yield from sorted(found, key=lambda one: not one.certain)
    yield from () if several else _of_blanks(tags)


def _of_mark(tags: Sequence[str], mark: str, several: bool) -> Iterator[Doubt]:
    parts = _parts(tags, mark)
    if not parts:
        return
    tag, why = None, ""
    if several or _recur(tags, parts):
        tag, why = _of_known_parts(tags, parts)
        if tag is None and not several:
            tag, why = _chained(parts)
    if tag is not None:
        words = (
            f"the tag {tag!r} holds {mark!r}, {why}. Between the tags of one cell write "
            f"{SEPARATOR!r}: {SEPARATOR.join(parts[tag])!r}. Where it is one class, write the "
            "layout image,label,value, or Parquet with lists of strings."
        )
        yield Doubt(tag, words, True)
        return
    tag = max(parts, key=lambda one: len(parts[one]))
    number = "1 tag holds" if len(parts) == 1 else f"{len(parts):,} tags hold"
    words = f"{number} {mark!r}, for example {tag!r}, and each is read as one class. "
    if len(parts[tag]) == 1:
        words += f"If {mark!r} is no part of the name, write {parts[tag][0]!r}."
    else:
        words += (
            f"If it is several, write {SEPARATOR!r} between them: {SEPARATOR.join(parts[tag])!r}."
        )
    yield Doubt(tag, words, False)


def _recur(tags: Sequence[str], parts: dict[str, list[str]]) -> bool:
    """Whether most of the parts stand in several tags, as in lists of few classes."""
    held = Counter(part for tag in tags for part in set(parts.get(tag, [tag])))
    own = {part for its in parts.values() for part in its}
    return 2 * sum(held[part] > 1 for part in own) > len(own)


def _of_known_parts(tags: Sequence[str], parts: dict[str, list[str]]) -> tuple[str | None, str]:
    """A tag whose parts are all tags, and what to say of them; 'cat,' stands for 'cat'."""
    known = set(tags)
    named = known | {its[0] for its in parts.values() if len(its) == 1}
    for tag, its in parts.items():
        if (known if len(its) == 1 else named).issuperset(its):
            different = list(dict.fromkeys(its))
            words = " and ".join(map(repr, different))
            return tag, f"and {words} {'is a tag' if len(different) == 1 else 'are tags'}, too"
    return None, ""


def _chained(parts: dict[str, list[str]]) -> tuple[str | None, str]:
    """A tag that begins with what another goes on with, and what to say of the two."""
    later = {part: tag for tag, its in parts.items() for part in its[1:]}
    for tag, its in parts.items():
        if (other := later.get(its[0], tag)) != tag:
            return tag, f"as {other!r} does, and no cell has {SEPARATOR!r}"
    return None, ""


def _of_blanks(tags: Sequence[str]) -> Iterator[Doubt]:
    """'fire truck' beside 'fire' and 'truck' is a class; few words in many tags may be a list."""
    parts = _parts(tags, " ")
    holders = Counter(part for tag in tags for part in set(parts.get(tag, [tag])))
    shared = all(holders[part] > 1 for its in parts.values() for part in its)
    example, _ = _chained(parts)
    if shared and len(holders) < len(tags) and example is not None:
        words = (
            f"No cell has {SEPARATOR!r}, and {len(parts):,} tags are made of the same "
            f"{len(holders):,} words, for example {example!r}; each is read as one class. If it is "
            f"several, write {SEPARATOR!r} between them: {SEPARATOR.join(parts[example])!r}."
        )
        yield Doubt(example, words, False)


def _parts(tags: Sequence[str], mark: str) -> dict[str, list[str]]:
    """Tag → what stands before, between and behind ``mark``, of those that hold it."""
    split = {tag: [part.strip() for part in tag.split(mark)] for tag in tags if mark in tag}
    named = {tag: list(filter(None, its)) for tag, its in split.items()}
    return {tag: its for tag, its in named.items() if its}
