"""Parquet files, written with checksums and read with selection."""

from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from largeloss.errors import InputError
from largeloss.files import check_regular

MOST_CELLS = 1 << 32
"""Rows times columns of a table that is read: a file of a few bytes can claim any number."""
MOST_BYTES = 1 << 36
"""Of a table, unpacked."""


def read_parquet(path: Path, error: type[InputError], *, coded: bool = False) -> pa.Table:
    """The whole table, every value of it valid for its type; ``error`` where it cannot be read.

    With ``coded`` strings are kept as codes: a fraction of the memory where they repeat.
    """
    try:
        check_regular(path)
        metadata = parquet.read_metadata(path)
        check_extent(metadata)
        schema = metadata.schema.to_arrow_schema()
        strings = [one.name for one in schema if coded and one.type == pa.string()]
        with parquet.ParquetFile(
            path, read_dictionary=strings, page_checksum_verification=True
        ) as file:
            table = file.read()
        table.validate(full=True)  # indices in range, strings in UTF-8
        str(table.schema)  # names in UTF-8
    except (pa.ArrowException, OSError, ValueError) as found:
        raise error(f"{path}: this is no readable Parquet file ({found}).") from None
    return table


def check_extent(metadata: parquet.FileMetaData) -> None:
    """Raises ValueError for a table that is too large to be one of labels or boxes."""
    cells = metadata.num_rows * metadata.num_columns
    groups = range(metadata.num_row_groups)
    size = sum(metadata.row_group(number).total_byte_size for number in groups)
    if not 0 <= cells <= MOST_CELLS or size > MOST_BYTES:
        raise ValueError(
            f"{metadata.num_rows:,} rows of {metadata.num_columns:,} columns, {size:,} bytes "
            f"unpacked; {MOST_CELLS:,} cells and {MOST_BYTES:,} bytes are read at most"
        )


def write_parquet(path: Path | pa.NativeFile, table: pa.Table) -> None:
    """Writes the table; every page of it has a checksum."""
    parquet.write_table(table, path, write_page_checksum=True)
