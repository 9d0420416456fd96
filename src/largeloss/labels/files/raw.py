"""Label files as columns of text or numbers, not yet understood.

CSV is checked here for everything that would move or hide a line, so that row numbers can be
turned into line numbers of the file.
"""

import csv
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from largeloss.errors import LabelError
from largeloss.files import check_regular
from largeloss.labels.files.parquet import read_parquet

HEADER = -1
"""The row of the header, in refusals."""
LARGEST_CSV = 1 << 32
"""Bytes of a CSV file that are read."""


class RawTable(NamedTuple):
    """A file's header and columns, and how to name a row in a message."""

    path: Path
    header: tuple[str, ...]
    columns: tuple[Any, ...]
    """One Arrow column a name of the header, all of one length."""
    where: Callable[[int], str]
    """Row number → ``"line 7"``, or ``"row 6"`` in Parquet."""

    def refusal(self, problem: str, *rows: int) -> LabelError:
        """The error that says ``problem``, after the file and where in it."""
        places = " and ".join(self.where(int(row)) for row in sorted(rows))
        return LabelError(f"{self.path}{', ' if rows else ''}{places}: {problem}")


def read_raw(path: Path) -> RawTable:
    """Reads a ``.csv`` or ``.parquet`` file.

    Raises:
        LabelError: another suffix, no such file, or one that is damaged; with line numbers.
    """
    readers = {".csv": _read_csv, ".parquet": _read_parquet}
    if path.suffix.lower() not in readers:
        raise LabelError(f"{path}: label files end in .csv or .parquet. Rename or convert it.")
    try:
        check_regular(path)
    except FileNotFoundError:
        raise LabelError(f"{path}: there is no such file.") from None
    except OSError as error:
        raise LabelError(f"{path}: cannot be read ({error}).") from None
    return readers[path.suffix.lower()](path)


def _read_parquet(path: Path) -> RawTable:
    table = read_parquet(path, LabelError, coded=True)

    def where(row: int) -> str:
        return "columns" if row == HEADER else f"row {row + 1}"

    return RawTable(path, tuple(table.schema.names), tuple(table.columns), where)


def _read_csv(path: Path) -> RawTable:
    if path.stat().st_size > LARGEST_CSV:
        raise LabelError(
            f"{path}: more than {LARGEST_CSV:,} bytes are not read as CSV. Write it as .parquet, "
            "in the long layout if few entries are observed."
        )
    data = _plain_text(path, path.read_bytes())
    start = len(data) - len(data.lstrip(b"\n"))
    end = data.find(b"\n", start)
    end = len(data) if end < 0 else end
    if start == end:
        raise LabelError(
            f"{path}: the file is empty. Needed: a header line such as 'image,cat,dog', and one "
            "line an image."
        )
    header = _fields(path, data.count(b"\n", 0, start) + 1, data[start:end].decode())

    if len(header) == 1 and (found := {";", "\t"} & set(header[0])):
        kind = "semicolons" if ";" in found else "tabs"
        raise LabelError(
            f"{path}: the fields of the header are separated by {kind}; commas are needed. Export "
            "it as CSV with commas, from pandas with to_csv(…, sep=',')."
        )

    def where(row: int) -> str:
        filled = (number for number, line in enumerate(data.split(b"\n"), 1) if line)
        return f"line {next(islice(filled, row + 1, None))}"

    columns = tuple(pa.chunked_array([], pa.string()) for _ in header)
    body = data[end:].strip(b"\n")
    if body:
        names = [str(index) for index in range(len(header))]
        try:
            table = arrow_csv.read_csv(
                _as_stream(body),
                read_options=arrow_csv.ReadOptions(column_names=names, block_size=1 << 24),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
                ),
            )
        except pa.ArrowInvalid as error:
            _refuse_ragged(path, data, len(header))
            raise LabelError(f"{path}: {error}") from None
        columns = tuple(table.columns)
    return RawTable(path, tuple(header), columns, where)


def _fields(path: Path, number: int, line: str) -> list[str]:
    """The fields of one line of CSV."""
    try:
        return next(csv.reader([line]))
    except csv.Error as error:
        raise LabelError(
            f"{path}, line {number}: cannot be read as CSV ({error}). Is a quote missing?"
        ) from None


def _as_stream(body: bytes) -> pa.NativeFile:
    """A copy that Arrow owns.

    A thread of Arrow's may let go of its input after the reader has returned. For memory of
    Python's it needs the interpreter then; where that is at its end already, the process aborts.
    """
    sink = pa.BufferOutputStream()
    sink.write(body)
    return pa.BufferReader(sink.getvalue())


def _plain_text(path: Path, data: bytes) -> bytes:
    """``data`` as UTF-8 with ``\\n`` at line ends, in which every line is a row."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            data = data.decode("utf-16").encode()
        except UnicodeDecodeError as error:
            raise LabelError(f"{path}: this UTF-16 text is damaged ({error.reason}).") from None
    data = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")

    def refuse(position: int, problem: str) -> LabelError:
        line = data.count(b"\n", 0, position) + 1
        return LabelError(f"{path}, line {line}: {problem}")

    if (found := data.find(b"\0")) >= 0:
        raise refuse(found, "a NUL byte. Save the file as UTF-8 text.")
    if (found := data.find(b"\r")) >= 0:
        raise refuse(found, "a carriage return without a line feed. Save it with \\n line ends.")
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise refuse(error.start, "bytes that are no UTF-8. Save the file as UTF-8.") from None
    if b'"' in data:
        _check_quotes(path, data)
    return data


def _check_quotes(path: Path, data: bytes) -> None:
    """Refuses quotes that Arrow would take for another thing than the user meant."""
    codes = np.frombuffer(b"\n" + data + b"\n", dtype=np.uint8)
    quotes = np.flatnonzero(codes == ord('"'))
    lines = np.searchsorted(np.flatnonzero(codes == ord("\n")), quotes)
    odd = np.flatnonzero(np.bincount(lines) % 2)
    if odd.size:
        raise LabelError(
            f"{path}, line {odd[0]}: a quote is not closed on its line. Line ends inside quotes "
            'are not supported; write a quote inside quotes as "".'
        )
    # Lines hold pairs, so that quotes open and close in turn; "" closes and opens again.
    outside = np.concatenate([codes[quotes[::2] - 1], codes[quotes[1::2] + 1]])
    stray = ~np.isin(outside, np.frombuffer(b',\n"', dtype=np.uint8))
    if stray.any():
        line = np.concatenate([lines[::2], lines[1::2]])[stray].min()
        raise LabelError(
            f"{path}, line {line}: a quote inside a field. Quote the whole field, and write a "
            'quote inside quotes as "".'
        )


def _refuse_ragged(path: Path, data: bytes, width: int) -> None:
    for number, line in enumerate(data.decode().split("\n"), start=1):
        fields = _fields(path, number, line) if line else []
        if line and len(fields) != width:
            raise LabelError(
                f"{path}, line {number}: {len(fields)} fields, but the header has {width}. Quote "
                "a name that holds a comma."
            )
