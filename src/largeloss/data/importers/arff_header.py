"""The head of an ARFF file: the relation's name and the attributes.

Source: https://waikato.github.io/weka-wiki/formats_and_processing/arff_stable/
"""

import re
from pathlib import Path
from typing import NamedTuple

from largeloss.errors import DataError

_QUOTED = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_WORD = re.compile(rf"\s*({_QUOTED}|[^\s{{]+)\s*")
_FIELD = re.compile(rf"\s*({_QUOTED}|[^,'\"]*?)\s*(?:,|$)")


class Attribute(NamedTuple):
    """A column."""

    name: str
    values: tuple[str, ...] | None
    """What a nominal attribute can be, in the order of the file; None for a number."""


class Header(NamedTuple):
    """What stands before the data."""

    relation: str
    attributes: tuple[Attribute, ...]
    end: int
    """Position, from 0, of the first line after ``@data``."""


def read_header(path: Path, lines: list[str]) -> Header:
    """The relation and the attributes.

    Args:
        path: Named in messages.
        lines: The whole file, without line ends.

    Raises:
        DataError: a line that is none of a head, an attribute that is neither nominal nor a
            number, a name that is empty or occurs twice, or no ``@data``.
    """
    relation = ""
    attributes: dict[str, Attribute] = {}
    for position, line in enumerate(lines):
        text = line.strip()
        if not text or text.startswith("%"):
            continue
        keyword, rest = [*text.split(None, 1), ""][:2]
        where = f"{path}, line {position + 1}"
        match keyword.lower():
            case "@relation":
                relation = unquoted(rest.strip())
            case "@attribute":
                attribute = _attribute(rest, where)
                if attribute.name in attributes:
                    raise DataError(
                        f"{where}: the attribute {attribute.name!r} occurs twice. Every attribute "
                        "needs a name of its own."
                    )
                attributes[attribute.name] = attribute
            case "@data":
                return Header(relation, tuple(attributes.values()), position + 1)
            case _:
                raise DataError(
                    f"{where}: {text[:60]!r} is not understood. Needed before the data: lines that "
                    "begin with @relation, @attribute, @data, or % for a comment."
                )
    raise DataError(f"{path}: there is no line @data. Is this a whole ARFF file?")


def split_fields(text: str) -> list[str] | None:
    """The fields between commas, without quotes and blanks; None where a quote is amiss."""
    if "'" not in text and '"' not in text:
        return [field.strip() for field in text.split(",")]
    fields = []
    position = 0
    while True:
        found = _FIELD.match(text, position)
        if found is None:
            return None
        fields.append(unquoted(found[1]))
        position = found.end()
        if not found[0].endswith(","):
            return fields


def unquoted(text: str) -> str:
    """``text`` without the quotes around it, if there are any, and without their backslashes."""
    if len(text) < 2 or text[0] not in "'\"" or text[-1] != text[0]:
        return text
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def _attribute(text: str, where: str) -> Attribute:
    found = _WORD.match(text)
    name = unquoted(found[1]) if found else ""
    kind = text[found.end() :].strip() if found else ""
    if not name or not kind:
        raise DataError(
            f"{where}: an attribute needs a name and a type, such as "
            "'@attribute sunset {0,1}' or '@attribute width numeric'."
        )
    if kind.split()[0].lower() in ("numeric", "real", "integer"):
        return Attribute(name, None)
    values = split_fields(kind[1:-1]) if kind[0] == "{" and kind[-1] == "}" else None
    if not values or "" in values or len(set(values)) < len(values):
        raise DataError(
            f"{where}: the attribute {name!r} has the type {kind[:60]!r}. Supported are numeric, "
            "real, integer, and a list of distinct values such as {0,1}."
        )
    return Attribute(name, tuple(values))
