"""Label files as columns of text or numbers, not yet understood.

Of CSV a block is text at a time: what two million lines take is the memory of their states.
"""

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from pyarrow import csv as arrow_csv

from largeloss.errors import LabelError
from largeloss.files import check_regular
from largeloss.labels.files.columns import joined_column, plain_states
from largeloss.labels.files.csv_blocks import CsvBlocks, refuse_other_separator
from largeloss.labels.files.parquet import read_parquet
from largeloss.labels.files.separators import SEPARATOR

HEADER = -1
"""The row of the header, in refusals."""
LARGEST_CSV = 1 << 32
"""Bytes of a CSV file that are read."""


class RawTable(NamedTuple):
    """A file's header and columns, and how to name a row in a message."""

    path: Path
    header: tuple[str, ...]
    columns: tuple[Any, ...]
    """One a name of the header, all of one length: Arrow's, or (lines,) int8 states."""
    where: Callable[[int], str]
    """Row number → ``"line 7"``, or ``"row 6"`` in Parquet."""

    def refusal(self, problem: str, *rows: int) -> LabelError:
        """The error that says ``problem``, after the file and where in it."""
        places = " and ".join(self.where(int(row)) for row in sorted(rows))
        return LabelError(f"{self.path}{', ' if rows else ''}{places}: {problem}")


def read_raw(path: Path, *, as_text: bool = False) -> RawTable:
    """Reads a ``.csv`` or ``.parquet`` file.

    Columns of CSV in which there is nothing but 1, 0 and blanks are arrays of states, which take a
    fifth of the memory of text; with ``as_text`` all are text.

    Raises:
        LabelError: another suffix, no such file, one that may not be read, or one that is damaged;
            with line numbers.
    """
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".parquet"):
        raise LabelError(f"{path}: label files end in .csv or .parquet. Rename or convert it.")
    with _readable(path):
        return _read_csv(path, as_text) if suffix == ".csv" else _read_parquet(path)


def read_header(path: Path) -> tuple[str, ...]:
    """The names of the columns alone, of a file that :func:`read_raw` reads.

    Raises:
        LabelError: as :func:`read_raw`.
    """
    if path.suffix.lower() != ".csv":
        return read_raw(path).header
    with _readable(path):
        for block in CsvBlocks(path):
            if line := block.lstrip(b"\n").partition(b"\n")[0]:
                return tuple(_header(path, 1, line.decode()))
    return read_raw(path).header  # which says that the file is empty


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Refuses what is no file, and says so where it cannot be read.

    Raises:
        LabelError: it is not there, or may not be read.
    """
    try:
        check_regular(path)
        yield
    except FileNotFoundError:
        raise LabelError(f"{path}: there is no such file.") from None
    except OSError as error:
        raise LabelError(f"{path}: cannot be read ({error}).") from None


def _read_parquet(path: Path) -> RawTable:
    table = read_parquet(path, LabelError, coded=True)

    def where(row: int) -> str:
        return "columns" if row == HEADER else f"row {row + 1}"

    return RawTable(path, tuple(table.schema.names), tuple(table.columns), where)


def _read_csv(path: Path, as_text: bool) -> RawTable:
    if path.stat().st_size > LARGEST_CSV:
        raise LabelError(
            f"{path}: more than {LARGEST_CSV:,} bytes are not read as CSV. Write it as .parquet, "
            "in the long layout if few entries are observed."
        )
    header: list[str] = []
    parts: list[list[Any]] = []
    blocks = CsvBlocks(path)
    for block in blocks:
        first = blocks.before + 1
        if not header:
            start = len(block) - len(block.lstrip(b"\n"))
            if start == len(block):
                continue
            end = block.find(b"\n", start) + 1 or len(block)
            first += start
            header = _header(path, first, block[start:end].decode().rstrip("\n"))
            parts = [[] for _ in header]
            block, first = block[end:], first + 1
        if block.strip(b"\n"):
            columns = _columns(path, block, first, header)
            for number, (part, column) in enumerate(zip(parts, columns, strict=True)):
                states = None if as_text or not number else plain_states(column)
                part.append(column if states is None else states)
    if not header:
        raise LabelError(
            f"{path}: the file is empty. Needed: a header line such as 'image,cat,dog', and one "
            "line per image."
        )
    joined = tuple(map(joined_column, parts))
    return RawTable(path, tuple(header), joined, lambda row: f"line {blocks.line(row)}")


def _header(path: Path, number: int, line: str) -> list[str]:
    refuse_other_separator(path, line)
    return _fields(path, number, line)


def _columns(path: Path, block: bytes, first: int, header: list[str]) -> list[Any]:
    """The fields of a block that begins with line ``first``, as text."""
    names = [str(index) for index in range(len(header))]
    body = block.strip(b"\n")
    try:
        table = arrow_csv.read_csv(
            _as_stream(body),
            read_options=arrow_csv.ReadOptions(column_names=names, block_size=len(body) + 1),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        _refuse_ragged(path, block, first, header)
        raise LabelError(f"{path}: {error}") from None
    columns: list[Any] = table.columns
    return columns


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


def _refuse_ragged(path: Path, block: bytes, first: int, header: list[str]) -> None:
    width = len(header)
    tags = f" Between the tags of one cell write {SEPARATOR!r}." if "labels" in header else ""
    for number, line in enumerate(block.decode().split("\n"), start=first):
        fields = _fields(path, number, line) if line else []
        if line and len(fields) != width:
            raise LabelError(
                f"{path}, line {number}: {len(fields)} fields, but the header has {width}. Quote "
                f"a name that holds a comma.{tags}"
            )
