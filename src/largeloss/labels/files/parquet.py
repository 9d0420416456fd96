"""Parquet files, written with checksums and read with selection."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from largeloss.errors import InputError


def read_parquet(path: Path, error: type[InputError], coded: Sequence[str] = ()) -> pa.Table:
    """The whole table, every value of it valid for its type.

    Args:
        path: Of the file.
        error: Raised where it cannot be read.
        coded: Columns of strings that repeat, to be kept as codes.
    """
    try:
        with parquet.ParquetFile(
            path, read_dictionary=list(coded), page_checksum_verification=True
        ) as file:
            table = file.read()
        table.validate(full=True)  # indices in range, strings in UTF-8
        str(table.schema)  # names in UTF-8
    except (pa.ArrowException, OSError, UnicodeDecodeError) as found:
        raise error(f"{path}: this is no readable Parquet file ({found}).") from None
    return table


def write_parquet(path: Path, table: pa.Table) -> None:
    """Writes the table; every page of it has a checksum."""
    parquet.write_table(table, path, write_page_checksum=True)


def string_columns(path: Path, error: type[InputError]) -> list[str]:
    """Names of the columns of strings; nothing but the schema is read.

    Args:
        path: Of the file.
        error: Raised where it cannot be read.
    """
    try:
        schema = parquet.read_schema(path)
        return [field.name for field in schema if field.type == pa.string()]
    except (pa.ArrowException, OSError, UnicodeDecodeError) as found:
        raise error(f"{path}: this is no readable Parquet file ({found}).") from None
