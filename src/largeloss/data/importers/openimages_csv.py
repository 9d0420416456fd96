"""The large files of OpenImages V3, read block by block: lists of images, and annotations.

An image id is 16 hexadecimal digits and is held as uint64: 9 million of them take 72 MB. An
annotation is one number.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute as pc
from pyarrow import csv as arrow_csv

from largeloss.data.importers.official_release import positions_of_ids
from largeloss.errors import DataError
from largeloss.files import check_regular
from largeloss.labels.entries import sorted_distinct
from largeloss.labels.names import first_names

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
        return positions_of_ids(ids, self.ids, self.order)

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
                f"{format_id(int(ordered[same[0]]))!r}. Unpack the file again."
            )
        return cls(ids, order)


def read_annotations(
    path: Path, images: ImageList, wanted: Sequence[str], known: Sequence[str]
) -> tuple[NDArray[np.int64], Counter[str]]:
    """The annotations of ``annotations-human.csv``, on the ``images`` of its subset.

    The C classes ``wanted`` are kept and become the columns; those that are ``known`` are skipped.

    Returns:
        (M,) ascending, ``(row * C + column) * 2 + state`` for each image and class; and how many
        ``lines`` there are, how many of ``other`` classes, how many ``unsure``, with a confidence
        that is neither 0 nor 1, and how many images and classes given as ``both``.

    Raises:
        DataError: the file cannot be understood, or an annotation names an unknown class or
            image; the message says which, and the line.
    """
    codes = pa.array([*wanted, *known], pa.string())
    blocks = [np.empty(0, dtype=np.int64)]
    counts: Counter[str] = Counter()
    for ids, names, confidences in read_blocks(path, ("ImageID", "LabelName", "Confidence")):
        done = counts["lines"]
        columns = pc.index_in(names, value_set=codes)
        if columns.null_count:
            first = int(np.argmax(pc.is_null(columns).to_numpy(zero_copy_only=False)))
            raise DataError(
                f"{path}, line {_line_of(path, done + first)}: the class "
                f"{names[first].as_py()!r} is neither in classes-trainable.txt nor in "
                "class-descriptions.csv. Are all files of one release?"
            )
        rows = _known_rows(path, done, ids, images)
        column = columns.to_numpy().astype(np.int64)
        states = _states(path, done, confidences)
        inside = column < len(wanted)
        used = inside & (states >= 0)
        counts["lines"] += len(rows)
        counts["other"] += int((~inside).sum())
        counts["unsure"] += int((inside & (states < 0)).sum())
        blocks.append((rows[used] * len(wanted) + column[used]) * 2 + states[used])
    packed = np.concatenate(blocks)
    blocks.clear()
    packed = sorted_distinct(packed)
    clash = packed[1:] >> 1 == packed[:-1] >> 1
    counts["both"] = int(clash.sum())
    return packed[~(np.append(clash, False) | np.append(False, clash))[: len(packed)]], counts


def _known_rows(path: Path, done: int, ids: Any, images: ImageList) -> NDArray[np.int64]:
    numbers, valid = parse_ids(ids)
    rows = np.where(valid, images.rows_of(numbers), -1)
    unknown = np.flatnonzero(rows < 0)
    if unknown.size:
        names = dict.fromkeys(ids.take(pa.array(unknown)).to_pylist())
        raise DataError(
            f"{path}, line {_line_of(path, done + int(unknown[0]))}: images that are not in "
            f"images.csv are annotated: {first_names(map(repr, names))}. Unpack images and "
            "annotations of one release."
        )
    return rows


def _states(path: Path, done: int, column: Any) -> NDArray[np.int8]:
    """1, 0, and -1 where the confidence is another number or blank."""
    coded = column.dictionary_encode()
    states = []
    for index, text in enumerate(coded.dictionary.to_pylist()):
        try:
            value = float(text or "nan")
        except ValueError:
            first = int(np.argmax(coded.indices.to_numpy() == index))
            raise DataError(
                f"{path}, line {_line_of(path, done + first)}: the confidence {text!r} is no "
                "number. Needed: 1 (present), 0 (absent), or another number (unobserved)."
            ) from None
        states.append({1.0: 1, 0.0: 0}.get(value, -1))
    indices: NDArray[np.int32] = coded.indices.to_numpy()
    return np.array(states, dtype=np.int8)[indices]


def _line_of(path: Path, row: int) -> int:
    """The line, from 1, of a row after the header; empty lines are no rows."""
    with path.open("rb") as file:
        filled = (number for number, line in enumerate(file, 1) if line.strip(b"\r\n"))
        return next(islice(filled, row + 1, None))


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

    With ``quoted_lines`` a field in quotes may hold line ends.

    Raises:
        DataError: there is no such column, or this is no CSV.
    """
    try:
        check_regular(path)
        with arrow_csv.open_csv(  # closed, so that no thread reads ahead at the interpreter's end
            path,
            read_options=arrow_csv.ReadOptions(block_size=BLOCK),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=quoted_lines),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=columns,
                column_types=dict.fromkeys(columns, pa.string()),
                strings_can_be_null=False,
            ),
        ) as reader:
            for batch in reader:
                if batch.num_rows:
                    yield tuple(batch.columns)
    except pa.ArrowKeyError as error:
        raise DataError(
            f"{path}: {str(error).strip(chr(34))}. Needed in the header: {', '.join(columns)}."
        ) from None
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{path}: this is no readable CSV file ({error}). Unpack it again."
        ) from None
