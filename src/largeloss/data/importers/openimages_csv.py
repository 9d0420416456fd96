"""The large files of OpenImages V3, read block by block, and the images as numbers.

An image id is 16 hexadecimal digits and is held as uint64: 9 million of them take 72 MB.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute as pc
from pyarrow import csv as arrow_csv

from largeloss.errors import DataError

BLOCK = 1 << 23
"""Bytes read at a time."""
DIGITS = 16

_NIBBLES = np.full(256, 255, dtype=np.uint8)
_NIBBLES[np.frombuffer(b"0123456789abcdef", dtype=np.uint8)] = np.arange(16)


class ImageList(NamedTuple):
    """The images of a subset, and how to find them by id."""

    ids: NDArray[np.uint64]
    """(n,) in the order of the file."""
    order: NDArray[np.int64]
    """(n,) rows in ascending order of id."""

    def rows_of(self, ids: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The row of each id, -1 where there is none."""
        nearest = np.searchsorted(self.ids, ids, sorter=self.order)
        rows = self.order[np.minimum(nearest, len(self.order) - 1)]
        return np.where(self.ids[rows] == ids, rows, -1)

    @classmethod
    def read(cls, path: Path) -> Self:
        """The images of ``images.csv``; all columns but ImageID are skipped.

        Raises:
            DataError: the file cannot be understood, is empty, or has an image twice.
        """
        blocks = []
        done = 0
        for (column,) in read_blocks(path, ("ImageID",), quoted_lines=True):
            ids, valid = parse_ids(column)
            if not valid.all():
                first = int(np.argmin(valid))
                raise DataError(
                    f"{path}, entry {done + first + 1} after the header: the ImageID "
                    f"{column[first].as_py()!r} is not {DIGITS} hexadecimal digits."
                )
            blocks.append(ids)
            done += len(ids)
        if not done:
            raise DataError(f"{path}: there is no image after the header.")
        ids = np.concatenate(blocks)
        order = np.argsort(ids, kind="stable")
        ordered = ids[order]
        same = np.flatnonzero(ordered[1:] == ordered[:-1])
        if same.size:
            raise DataError(
                f"{path}: {same.size} images are listed twice, for example "
                f"{format_id(int(ordered[same[0]]))!r}. Unpack the file anew."
            )
        return cls(ids, order)


def parse_ids(column: Any) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Ids (n,) as numbers, and which of them are 16 lower-case hexadecimal digits.

    ``column`` is an Arrow array of strings, without nulls.
    """
    valid = pc.equal(pc.binary_length(column), DIGITS).to_numpy(zero_copy_only=False)
    if not valid.all():
        ids = np.zeros(len(column), dtype=np.uint64)
        ids[valid], valid[valid] = parse_ids(column.filter(pa.array(valid)))
        return ids, valid
    if not len(column):
        return np.empty(0, dtype=np.uint64), valid
    _, offsets, data = column.buffers()
    start = int(np.frombuffer(offsets, dtype=np.int32)[column.offset])
    text = np.frombuffer(data, dtype=np.uint8, count=DIGITS * len(column), offset=start)
    nibbles = _NIBBLES[text].reshape(-1, DIGITS)
    packed = np.ascontiguousarray(nibbles[:, 0::2] << 4 | nibbles[:, 1::2])
    return packed.view(">u8").ravel().astype(np.uint64), (nibbles != 255).all(axis=1)


def format_id(number: int) -> str:
    """The id as it stands in the files."""
    return f"{number:0{DIGITS}x}"


def read_blocks(
    path: Path, columns: tuple[str, ...], *, quoted_lines: bool = False
) -> Iterator[tuple[Any, ...]]:
    """The columns as text, a block of rows at a time.

    Args:
        path: A CSV file with a header.
        columns: Those of its header that are read.
        quoted_lines: Whether a field in quotes may hold line ends.

    Raises:
        DataError: there is no such column, or this is no CSV.
    """
    try:
        reader = arrow_csv.open_csv(
            path,
            read_options=arrow_csv.ReadOptions(block_size=BLOCK),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=quoted_lines),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=columns,
                column_types=dict.fromkeys(columns, pa.string()),
                strings_can_be_null=False,
            ),
        )
        for batch in reader:
            if batch.num_rows:
                yield tuple(batch.columns)
    except pa.ArrowKeyError as error:
        raise DataError(
            f"{path}: {str(error).strip(chr(34))}. Needed in the header: {', '.join(columns)}."
        ) from None
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{path}: this is no readable CSV file ({error}). Unpack it anew."
        ) from None
