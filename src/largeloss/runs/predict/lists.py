"""Files that name images: one path per line, or a column of a table; the standard input."""

import csv
import os
import re
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from largeloss.errors import DataError
from largeloss.files import check_regular
from largeloss.labels.files.parquet import check_extent
from largeloss.labels.files.spreadsheet import text_of_cell
from largeloss.runs.output_kinds import PREDICTIONS
from largeloss.runs.predict.targets import is_skipped_list

STDIN = Path("-")
"""Stands for the standard input."""
COLUMNS = ("image", "path", "file", "file_name", "filename")
"""What the column of paths may be called."""
_UNCLEAN = re.compile(r"(^|/)\.(/|$)|//|/$|\\")
_BLOCK = 1 << 20  # bytes that are read at a time
_LONGEST = 1 << 16  # bytes of a path
_ROWS = 1 << 16  # of a table that are read at a time


def listed_paths(path: Path) -> Iterator[str]:
    """The paths that a list names, in its order; relative ones start from its folder.

    Text (``.txt``, or the standard input) has one path per line, or paths that end in NUL as ``find
    -print0`` writes them. A table (``.csv``, ``.parquet``) has them in one column of
    :data:`COLUMNS`; the apostrophe that CSV of ``predict`` has before some names is left out. Never
    more than a part of it is in memory.

    Raises:
        DataError: no such file, of another kind, or damaged.
    """
    if path == STDIN:
        yield from map(_clean, _separated(sys.stdin.buffer, "the standard input"))
        return
    readers = {".txt": _of_text, ".csv": _of_csv, ".parquet": _of_parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(
            f"{path}: a list of images ends in .txt (one path per line), .csv or .parquet (a "
            f"column called {', '.join(COLUMNS[:-1])} or {COLUMNS[-1]}). Rename or convert it."
        )
    try:
        check_regular(path)
        for name in reader(path):
            yield _clean(os.path.join(path.parent, name))
    except FileNotFoundError:
        raise no_list(path) from None
    except (OSError, ValueError, pa.ArrowException) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: this list of images cannot be read ({error}).") from None


def no_list(path: Path) -> DataError:
    """That there is no list of images ``path``."""
    return DataError(f"{path}: there is no such list of images.")


def _clean(name: str) -> str:
    """As paths are written: ``a/b`` for ``a//./b``."""
    return str(Path(name)) if _UNCLEAN.search(name) else name


def _of_text(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        yield from _separated(file, str(path))


def _separated(file: BinaryIO, where: str) -> Iterator[str]:
    separator, rest = b"", b""
    while block := file.read(_BLOCK):
        if not separator:
            if block.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise DataError(f"{where} is UTF-16. Save the list of images as UTF-8.")
            block = block.removeprefix(b"\xef\xbb\xbf")
            separator = b"\0" if b"\0" in block else b"\n"
        *whole, rest = (rest + block).split(separator)
        for name in whole:
            yield from _decoded(name, separator)
        if len(rest) > _LONGEST:
            raise DataError(
                f"{where}: more than {_LONGEST:,} bytes without a line end are no path. Needed: a "
                "list of images, one path per line."
            )
    yield from _decoded(rest, separator)


def _decoded(name: bytes, separator: bytes) -> Iterator[str]:
    name = name.removesuffix(b"\r") if separator == b"\n" else name
    if name:
        yield os.fsdecode(name)


def _of_csv(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(islice(file, 1)), [])
    column = _column(path, header)
    reader = arrow_csv.open_csv(
        path,
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            include_columns=[column], column_types={column: pa.string()}, strings_can_be_null=False
        ),
    )
    names = _names(path, reader)
    ours = is_skipped_list(path) or PREDICTIONS.wrote(path)
    yield from map(text_of_cell, names) if ours else names


def _of_parquet(path: Path) -> Iterator[str]:
    with parquet.ParquetFile(path, page_checksum_verification=True) as file:
        check_extent(file.metadata)
        column = _column(path, file.schema_arrow.names)
        yield from _names(path, file.iter_batches(_ROWS, columns=[column]))


def _column(path: Path, names: list[str]) -> str:
    found = [name for name in names if name in COLUMNS]
    if len(found) != 1:
        raise DataError(
            f"{path}: one column of paths is needed, called {', '.join(COLUMNS[:-1])} or "
            f"{COLUMNS[-1]}; {'several are' if found else 'none is'} among its columns "
            f"{', '.join(names[:10])}. Rename the column."
        )
    return found[0]


def _names(path: Path, batches: Iterator[pa.RecordBatch]) -> Iterator[str]:
    row = 0
    for batch in batches:
        for name in batch.column(0).cast(pa.string()).to_pylist():
            row += 1
            if not name:
                raise DataError(f"{path}: row {row:,} names no image. Remove the row.")
            yield name
