"""The human annotations of OpenImages V3, one number an annotation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute as pc

from largeloss.data.importers.openimages_csv import ImageList, parse_ids, read_blocks
from largeloss.errors import DataError


class Annotations(NamedTuple):
    """What people said of the images of a subset."""

    packed: NDArray[np.int64]
    """(M,) ascending, one an image and class: ``(row * num_classes + column) * 2 + state``."""
    num_lines: int
    """How many annotations the file has."""
    num_other: int
    """Of classes that are not wanted."""
    num_unsure: int
    """Of wanted classes, with a confidence that is neither 0 nor 1."""
    num_contradictions: int
    """Images and classes that were given both as present and as absent."""


def read_annotations(
    path: Path, images: ImageList, wanted: Sequence[str], known: Sequence[str]
) -> Annotations:
    """The annotations of ``annotations-human.csv``.

    Args:
        path: The file.
        images: The images of its subset.
        wanted: The classes to keep: the columns.
        known: Other classes, which are skipped.

    Raises:
        DataError: the file cannot be understood, or an annotation names an unknown class or
            image; the message says which, and the line.
    """
    codes = pa.array([*wanted, *known], pa.string())
    blocks = [np.empty(0, dtype=np.int64)]
    lines = other = unsure = 0
    for ids, names, confidences in read_blocks(path, ("ImageID", "LabelName", "Confidence")):
        columns = pc.index_in(names, value_set=codes)
        if columns.null_count:
            first = int(np.argmax(pc.is_null(columns).to_numpy(zero_copy_only=False)))
            raise DataError(
                f"{path}, line {_line_of(path, lines + first)}: the class "
                f"{names[first].as_py()!r} is neither in classes-trainable.txt nor in "
                "class-descriptions.csv. Are all files of one release?"
            )
        rows = _known_rows(path, lines, ids, images)
        column = columns.to_numpy().astype(np.int64)
        states = _states(path, lines, confidences)
        lines += len(rows)
        inside = column < len(wanted)
        used = inside & (states >= 0)
        other += int((~inside).sum())
        unsure += int((inside & (states < 0)).sum())
        blocks.append((rows[used] * len(wanted) + column[used]) * 2 + states[used])
    packed = np.concatenate(blocks)
    blocks.clear()
    packed.sort()
    fresh = np.ones(len(packed), dtype=np.bool_)
    np.not_equal(packed[1:], packed[:-1], out=fresh[1:])
    packed = packed[fresh]
    clash = packed[1:] >> 1 == packed[:-1] >> 1
    kept = np.ones(len(packed), dtype=np.bool_)
    kept[1:] &= ~clash
    kept[:-1] &= ~clash
    return Annotations(packed[kept], lines, other, unsure, int(clash.sum()))


def _known_rows(path: Path, done: int, ids: Any, images: ImageList) -> NDArray[np.int64]:
    numbers, valid = parse_ids(ids)
    rows = np.where(valid, images.rows_of(numbers), -1)
    unknown = np.flatnonzero(rows < 0)
    if unknown.size:
        names = list(dict.fromkeys(ids.take(pa.array(unknown)).to_pylist()))
        more = ", …" if len(names) > 3 else ""
        raise DataError(
            f"{path}, line {_line_of(path, done + int(unknown[0]))}: images that are not in "
            f"images.csv are annotated: {', '.join(map(repr, names[:3]))}{more}. Unpack images and "
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
        for number in filled:
            if row < 0:
                return number
            row -= 1
    raise AssertionError("a row that was read is in the file")
