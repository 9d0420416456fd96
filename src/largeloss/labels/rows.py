"""CSV and Parquet as columns of text, with the place of every row for messages."""

import codecs
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

from largeloss.errors import LabelError


@dataclass(frozen=True)
class TextTable:
    """Rows of text; blanks are empty strings."""

    path: Path
    content: Any
    """A pyarrow table of strings."""
    first_line: int
    """Of row 0: 2 in CSV, whose header is line 1; 0 in Parquet, whose rows have numbers."""

    @property
    def names(self) -> list[str]:
        """The columns."""
        names: list[str] = self.content.column_names
        return names

    def __len__(self) -> int:
        return int(self.content.num_rows)

    def column(self, name: str) -> Any:
        """A column's values, without white space around them."""
        return self.content.column(name)

    def place(self, row: int) -> str:
        """``in line 7``."""
        kind = "line" if self.first_line else "row"
        return f"in {kind} {int(row) + self.first_line}"

    def at(self, row: int) -> str:
        """``labels.csv, line 7``."""
        return f"{self.path}, {self.place(row).removeprefix('in ')}"


def read_text_table(path: Path) -> TextTable:
    """Reads ``.csv`` or ``.parquet``.

    Raises:
        LabelError: missing, of another kind, damaged, or with rows of uneven length.
    """
    if not path.is_file():
        raise LabelError(f"There is no label file {path}.")
    if path.suffix == ".csv":
        content, first_line = _csv(path), 2
    elif path.suffix == ".parquet":
        content, first_line = _parquet(path), 0
    else:
        raise LabelError(f"{path}: label files end in .csv or .parquet.")
    twice = {name for name in content.column_names if content.column_names.count(name) > 1}
    if twice or "" in content.column_names:
        what = f"names {sorted(twice)[0]!r} twice" if twice else "has a column without a name"
        raise LabelError(f"{path}: the header {what}. Give each column a name of its own.")
    trimmed = [pc.utf8_trim_whitespace(column) for column in content.columns]
    return TextTable(path, pa.table(trimmed, names=content.column_names), first_line)


def _csv(path: Path) -> Any:
    raw = path.read_bytes()
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise LabelError(f"{path} is UTF-16. Save it as UTF-8, for example 'CSV UTF-8'.")
    raw = raw.removeprefix(codecs.BOM_UTF8)
    if not raw.strip():
        raise LabelError(f"{path} is empty. A wide file begins 'image,cat,dog'.")
    _check_bytes(path, raw)
    header = csv.open_csv(io.BytesIO(raw.splitlines()[0] + b"\n"), **_options([]))
    names = header.schema.names
    wrong: list[Any] = []

    def collect(row: Any) -> str:
        wrong.append(row)
        return "skip"

    options = _options(names)
    options["parse_options"].invalid_row_handler = collect
    try:
        content = csv.read_csv(io.BytesIO(raw), **options)
    except pa.ArrowInvalid as error:
        raise LabelError(f"{path} cannot be read as CSV: {error}") from None
    if wrong:
        row = wrong[0]
        raise LabelError(
            f"{path}, line {row.number}: {row.actual_columns} values for the "
            f"{row.expected_columns} columns of the header. Every line needs them all, blank ones "
            "included."
        )
    return content


def _options(names: list[str]) -> dict[str, Any]:
    return {
        "read_options": csv.ReadOptions(use_threads=False),
        "parse_options": csv.ParseOptions(ignore_empty_lines=False),
        "convert_options": csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        ),
    }


def _check_bytes(path: Path, raw: bytes) -> None:
    """Refuses what would shift line numbers or hide damage."""
    if b"\0" in raw:
        line = raw[: raw.index(b"\0")].count(b"\n") + 1
        raise LabelError(f"{path}, line {line}: a NUL byte. The file is damaged or no text.")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise LabelError(f"{path}, line {line}: not UTF-8. Save the file as UTF-8.") from None
    if b'"' in raw:
        for number, line_bytes in enumerate(raw.split(b"\n"), start=1):
            if line_bytes.count(b'"') % 2:
                raise LabelError(
                    f"{path}, line {number}: a quoted value does not end on its line. Write each "
                    "image on one line."
                )


def _parquet(path: Path) -> Any:
    try:
        content = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise LabelError(f"{path} cannot be read as Parquet: {error}") from None
    return pa.table(
        [_text(path, name, content.column(name)) for name in content.column_names],
        names=content.column_names,
    )


def _text(path: Path, name: str, column: Any) -> Any:
    kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        column = pc.binary_join(column.cast(pa.list_(pa.string())), ";")
    elif pa.types.is_boolean(kind) or pa.types.is_floating(kind):
        try:
            column = column.cast(pa.int64()).cast(pa.string())
        except pa.ArrowInvalid:
            raise LabelError(
                f"{path}: column {name!r} has fractions or NaN. Labels are 1, 0 or null; convert "
                "other codings by name first."
            ) from None
    try:
        return pc.fill_null(column.cast(pa.string()), "")
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise LabelError(f"{path}: column {name!r} of type {kind} is no label column.") from None
