"""Parquet files, written with checksums and read with selection."""

from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from largeloss.errors import InputError


def read_parquet(path: Path, error: type[InputError], *, coded: bool = False) -> pa.Table:
    """The whole table, every value of it valid for its type; ``error`` where it cannot be read.

    With ``coded`` strings are kept as codes: a fraction of the memory where they repeat.
    """
    try:
        schema = parquet.read_schema(path)
        strings = [one.name for one in schema if coded and one.type == pa.string()]
        with parquet.ParquetFile(
            path, read_dictionary=strings, page_checksum_verification=True
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
