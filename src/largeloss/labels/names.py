"""Names of images and classes: checked once, and looked up with a suggestion."""

import unicodedata
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from largeloss.errors import LabelError


def checked_names(names: Iterable[str], kind: str) -> tuple[str, ...]:
    """``names`` as a tuple of plain strings; ``kind`` is ``"image"`` or ``"class"``.

    Raises:
        LabelError: a name is no string, is empty, or occurs twice.
    """
    given = tuple(names)
    if not set(map(type, given)) <= {str, np.str_}:
        wrong = next(name for name in given if not isinstance(name, str))
        raise LabelError(f"The {kind} name {wrong!r} is no string. Write str(name).")
    checked = tuple(map(str, given))
    distinct = set(checked)
    if "" in distinct:
        raise LabelError(f"The {kind} name at position {checked.index('')} is empty. Name it.")
    if len(distinct) < len(checked):
        seen: set[str] = set()
        for position, name in enumerate(checked):
            if name in seen:
                raise LabelError(
                    f"The {kind} name {name!r} occurs twice, at positions {checked.index(name)} "
                    f"and {position}. Every {kind} needs a name of its own."
                )
            seen.add(name)
    return checked


def check_spaces(names: Iterable[str]) -> None:
    """Refuses classes that differ only by the spaces around their names: nobody could tell them.

    Raises:
        LabelError: there are such classes.
    """
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.strip(), name)
        if other != name:
            raise LabelError(
                f"the classes {other!r} and {name!r} differ only by the spaces around their names. "
                "Write the name in one way, everywhere, or rename one of the two."
            )


def spelling(name: str) -> str:
    """The same for names that differ only by case, or by their Unicode form: an é may be one
    character (NFC) or two (NFD)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def spelling_remark(names: Iterable[str]) -> str:
    """That classes have the same :func:`spelling`, which may be right ('A' and 'a'); empty where
    none have."""
    seen: dict[str, str] = {}
    pairs = [
        (other, name) for name in names if (other := seen.setdefault(spelling(name), name)) != name
    ]
    if not pairs:
        return ""
    one_form = all(
        len({unicodedata.normalize("NFC", name) for name in pair}) == 2 for pair in pairs
    )
    listed = first_names(f"{other!r} and {name!r}" for other, name in pairs)
    form = "" if one_form else " or Unicode form (NFC, NFD)"
    return (
        f"Classes differ only by case{form}: {listed}. "
        "They are learnt as different classes; if they mean the same, write the name in one way."
    )


def positions_of(names: Iterable[str], among: Sequence[str]) -> NDArray[np.int64]:
    """(M,) where each of ``names`` stands in ``among``, -1 where it does not."""
    position = {name: index for index, name in enumerate(among)}
    return np.array([position.get(name, -1) for name in names], dtype=np.int64)


def first_names(names: Iterable[object], limit: int = 3) -> str:
    """The first few, between commas, and an ellipsis where there are more."""
    shown = [str(name) for name in islice(names, limit + 1)]
    return ", ".join(shown[:limit] + ["…"] * (len(shown) > limit))


def first_lines(lines: Sequence[str], limit: int = 10) -> str:
    """The first few, one per line and indented, and how many more there are."""
    more = [f"… and {len(lines) - limit} more"] if len(lines) > limit else []
    return "\n".join(f"  {line}" for line in [*lines[:limit], *more])


def suggestion(name: str, among: Sequence[str]) -> str:
    """A sentence that begins with a blank: the nearest of the known names, or how many there are.

    Where there are many names, only the first 20,000 are compared.
    """
    near = get_close_matches(str(name), among[:20_000], n=1)
    if near:
        return f" Did you mean {near[0]!r}?"
    return f" Known are {len(among)}: {first_names(map(repr, among), 5)}."
