"""The data of an ARFF file: one line a row, all values or only those that are not zero."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from largeloss.data.importers.arff_header import Attribute, split_fields, unquoted
from largeloss.errors import DataError

MISSING = "?"


def read_rows(
    path: Path, lines: Sequence[str], start: int, attributes: Sequence[Attribute]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The values of all rows, and where they stand.

    Args:
        path: Named in messages.
        lines: The whole file.
        start: Position of the first line of the data.
        attributes: The columns.

    Returns:
        Values (N, A): numbers as they are, nominal values by their position in the list of the
        attribute, NaN where missing. Line numbers (N,), from 1.

    Raises:
        DataError: a row of another length, or a value that does not fit its attribute.
    """
    convert = [_converter(attribute) for attribute in attributes]
    found: list[NDArray[np.float64]] = []
    numbers = []
    for number, line in enumerate(lines[start:], start + 1):
        text = line.strip()
        if not text or text[0] == "%":
            continue
        where = f"{path}, line {number}"
        if text[0] == "{":
            found.append(_sparse(text, attributes, convert, where))
        else:
            found.append(_dense(text, attributes, convert, where))
        numbers.append(number)
    if not found:
        raise DataError(f"{path}: there is no row after @data. At least one is needed.")
    return np.stack(found), np.array(numbers, dtype=np.int64)


def _converter(attribute: Attribute) -> Callable[[str], float]:
    """Raises KeyError or ValueError for a value that does not fit."""
    if attribute.values is None:
        return _number
    known = {value: float(index) for index, value in enumerate(attribute.values)}
    known.setdefault(MISSING, float("nan"))
    return known.__getitem__


def _number(text: str) -> float:
    if text == MISSING:
        return float("nan")
    value = float(text)
    if value - value != 0 or "_" in text:  # infinite or NaN; Python's float takes 1_000
        raise ValueError
    return value


def _dense(
    text: str, attributes: Sequence[Attribute], convert: list[Callable[[str], float]], where: str
) -> NDArray[np.float64]:
    fields = split_fields(text)
    if fields is None:
        raise DataError(f"{where}: a quote is not closed, or stands inside a value.")
    if len(fields) != len(attributes):
        raise DataError(
            f"{where}: {len(fields)} values, but there are {len(attributes)} attributes."
        )
    try:
        return np.array([to(field) for to, field in zip(convert, fields, strict=True)])
    except (KeyError, ValueError):
        _refuse_first(fields, range(len(fields)), attributes, convert, where)


def _sparse(
    text: str, attributes: Sequence[Attribute], convert: list[Callable[[str], float]], where: str
) -> NDArray[np.float64]:
    """``{2 0.5, 7 A}``: what is left out is 0, or the first value of a nominal attribute."""
    inner = text[1:-1].strip()
    row = np.zeros(len(attributes))
    if text[-1] != "}":
        raise DataError(f"{where}: a sparse row must end in '}}', and nothing may follow it.")
    positions, fields = [], []
    for pair in inner.split(",") if inner else ():
        index, field = (*pair.split(None, 1), "", "")[:2]
        if not (index.isascii() and index.isdigit() and len(index) < 10 and field):
            raise DataError(
                f"{where}: {pair.strip()[:60]!r} is no pair of a sparse row. Needed: the number "
                "of the attribute, from 0, a blank, and a value without a comma."
            )
        positions.append(int(index))
        fields.append(unquoted(field.strip()))
    if positions and max(positions) >= len(attributes):
        raise DataError(
            f"{where}: there is no attribute {max(positions)}; 0 to {len(attributes) - 1} exist."
        )
    if len(set(positions)) < len(positions):
        raise DataError(f"{where}: an attribute is given twice.")
    try:
        row[positions] = [convert[p](field) for p, field in zip(positions, fields, strict=True)]
    except (KeyError, ValueError):
        _refuse_first(fields, positions, attributes, convert, where)
    return row


def _refuse_first(
    fields: Sequence[str],
    positions: Sequence[int],
    attributes: Sequence[Attribute],
    convert: list[Callable[[str], float]],
    where: str,
) -> NoReturn:
    """Names the first value that cannot be converted."""
    for field, position in zip(fields, positions, strict=True):
        try:
            convert[position](field)
        except (KeyError, ValueError):
            name, values = attributes[position]
            needed = "a finite number" if values is None else "one of " + ", ".join(values[:10])
            raise DataError(
                f"{where}: the value of {name!r} is {field!r}. Needed: {needed}, or ? where it is "
                "not known."
            ) from None
    raise AssertionError("called without a value that is wrong")
