"""Label files whose numbers mean something else, converted by the name of their coding."""

from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import compute as pc

from largeloss.errors import ConfigError
from largeloss.labels.codings import CODINGS
from largeloss.labels.files.columns import WRONG, as_text, coded, first
from largeloss.labels.files.header import Header
from largeloss.labels.files.raw import RawTable

_BOOLEANS = {"true": "1", "false": "0"}


def with_our_numbers(raw: RawTable, header: Header, coding: str) -> RawTable:
    """``raw`` with the numbers of its wide columns, or its column ``value``, as ours are.

    Raises:
        ConfigError: no such coding, or a file that lists labels.
        LabelError: a value that the coding does not have; the message names the line.
    """
    if coding not in CODINGS:
        raise ConfigError(f"There is no coding {coding!r}; there are {', '.join(CODINGS)}.")
    if header.layout == "list":
        raise ConfigError(
            f"--coding is for files with numbers, but {raw.path} lists labels. Leave it out."
        )
    columns = list(raw.columns)
    for position in header.labels if header.layout == "wide" else header.labels[1:]:
        columns[position] = _converted(raw, position, coding)
    return raw._replace(columns=tuple(columns))


def _converted(raw: RawTable, position: int, coding: str) -> Any:
    text = as_text(raw.columns[position])
    numbers = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
    try:
        values = numbers.cast(pa.float64()).to_numpy()
    except pa.ArrowInvalid:
        distinct, codes = coded(text)
        values = np.array([_number(value) for value in distinct])[codes]
    known = CODINGS[coding]
    states = np.full(len(values), WRONG, dtype=np.int8)
    for value, state in known.items():
        states[np.isnan(values) if value is None else values == value] = state
    wrong = first(states == WRONG)
    if wrong is not None:
        listed = ", ".join("blank or nan" if value is None else str(value) for value in known)
        raise raw.refusal(
            f"column {raw.header[position]!r}: the coding {coding!r} has no value "
            f"{text[wrong].as_py()!r}; it has {listed}.",
            wrong,
        )
    return pa.chunked_array([pa.array(states, mask=states < 0)])


def _number(text: str) -> float:
    """True is 1, false 0; infinite, and so of no coding, where this is no number."""
    try:
        return float(_BOOLEANS.get(text.lower(), text or "nan"))
    except ValueError:
        return float("inf")
