"""The journal of label changes: what was changed, when in training, by whom and why."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray
from pyarrow import compute as pc

from largeloss.errors import LabelError
from largeloss.files import written_atomically
from largeloss.labels.entries import Ints, States, check_range
from largeloss.labels.files.columns import coded, first
from largeloss.labels.files.parquet import read_parquet, write_parquet
from largeloss.labels.names import positions_of, suggestion
from largeloss.labels.table import UNOBSERVED, LabelTable

_NUMBERS = {"before": np.int8, "after": np.int8, "epoch": np.int32, "loss": np.float32}
_ARRAYS = {"rows": np.int64, "columns": np.int32, **_NUMBERS}
_WORDS = ("author", "reason", "time")
_TYPES = {name: pa.from_numpy_dtype(dtype) for name, dtype in _NUMBERS.items()}
_STRINGS = dict.fromkeys(("image", "class", *_WORDS), pa.string())
_COLUMNS = ("image", "class", *_NUMBERS, *_WORDS)
_SCHEMA = pa.schema([(name, (_TYPES | _STRINGS)[name]) for name in _COLUMNS])


@dataclass(frozen=True, eq=False)
class LabelEdits:
    """M label changes in the order in which they were made. Built by ``of``.

    Shapes: all arrays (M,). ``rows`` int64 and ``columns`` int32 as in the table; ``before`` and
    ``after`` int8, 1, 0 or -1; ``epoch`` int32, -1 outside of training; ``loss`` float32, NaN
    where there was none.
    """

    rows: Ints
    columns: NDArray[np.int32]
    before: States
    after: States
    epoch: NDArray[np.int32]
    loss: NDArray[np.float32]
    author: str
    """Who made them: a method such as ``ll-cp``, or a person."""
    reason: str
    time: str
    """ISO 8601, or empty."""

    @classmethod
    def of(
        cls,
        *,
        rows: ArrayLike,
        columns: ArrayLike,
        before: ArrayLike,
        after: ArrayLike,
        epoch: ArrayLike = -1,
        loss: ArrayLike = float("nan"),
        author: str,
        reason: str,
        time: str = "",
    ) -> Self:
        """Edits from arrays (M,) of any number type; a single number stands for M equal ones.

        Raises:
            LabelError: lengths that differ, or a state other than 1, 0 and -1.
        """
        given = [np.asarray(values) for values in (rows, columns, before, after, epoch, loss)]
        length = np.size(rows)
        for name, array in zip(_ARRAYS, given, strict=True):
            if array.ndim > 1 or array.size not in (1, length):
                raise LabelError(
                    f"Edits of {length} rows need {length} values of {name}, got the shape "
                    f"{array.shape}."
                )
        check_range(given[0], range(np.iinfo(np.int64).max), "row")
        check_range(given[1], range(np.iinfo(np.int32).max), "column")
        for states in given[2:4]:
            check_range(states, range(UNOBSERVED, 2), "state")
        arrays = {
            name: np.broadcast_to(array.reshape(-1), (length,)).astype(dtype)
            for (name, dtype), array in zip(_ARRAYS.items(), given, strict=True)
        }
        return cls(**arrays, author=author, reason=reason, time=time)

    def __len__(self) -> int:
        return len(self.rows)


def write_edits(path: str | Path, edits: LabelEdits, table: LabelTable) -> None:
    """Writes ``edits`` of ``table`` as Parquet, with the names of images and classes.

    Columns: image, class, before, after (null is unobserved), epoch, loss, author, reason, time.

    Raises:
        LabelError: an edit of a row or column that the table does not have.
    """
    _check_places(edits, table)
    path = Path(path)
    images = pa.array([table.images[row] for row in edits.rows.tolist()], pa.string())
    classes = pa.array(table.classes, pa.string()).take(pa.array(edits.columns))
    states = (pa.array(values, mask=values == UNOBSERVED) for values in (edits.before, edits.after))
    words = (pa.repeat(pa.scalar(getattr(edits, name), pa.string()), len(edits)) for name in _WORDS)
    columns = [images, classes, *states, pa.array(edits.epoch), pa.array(edits.loss), *words]
    with written_atomically(path) as partial:
        write_parquet(partial, pa.Table.from_arrays(columns, schema=_SCHEMA))


def read_edits(path: str | Path, table: LabelTable) -> LabelEdits:
    """Reads what :func:`write_edits` wrote, for a ``table`` with the same names in any order.

    Raises:
        LabelError: the file is none of this kind, or names an image or class that the table does
            not have, or several authors.
    """
    path = Path(path)
    found = read_parquet(path, LabelError)
    if not found.schema.equals(_SCHEMA):
        raise LabelError(
            f"{path}: label edits need the columns {', '.join(_SCHEMA.names)}, got "
            f"{', '.join(found.schema.names)}."
        )
    words = {name: _only_value(path, found, name) for name in _WORDS}
    return LabelEdits.of(
        rows=_positions(path, found["image"], table.images, "image"),
        columns=_positions(path, found["class"], table.classes, "class"),
        before=pc.fill_null(found["before"], UNOBSERVED).to_numpy(),
        after=pc.fill_null(found["after"], UNOBSERVED).to_numpy(),
        epoch=found["epoch"].to_numpy(),
        loss=found["loss"].to_numpy(),
        **words,
    )


def apply_edits(table: LabelTable, edits: LabelEdits) -> LabelTable:
    """A new table with the edits made, one after the other.

    Raises:
        LabelError: a ``before`` is not what the table (or the edit before) says.
    """
    _check_places(edits, table)
    keys = edits.rows * table.num_classes + edits.columns
    order = np.argsort(keys, kind="stable")
    same = np.diff(keys[order]) == 0
    expected = table.at(edits.rows, edits.columns)
    expected[order[1:][same]] = edits.after[order[:-1][same]]
    wrong = np.flatnonzero(expected != edits.before)
    if wrong.size:
        edit = wrong[0]
        raise LabelError(
            f"Edit {edit} of image {table.images[edits.rows[edit]]!r}, class "
            f"{table.classes[edits.columns[edit]]!r} expects the label {edits.before[edit]}, but "
            f"the table has {expected[edit]}. The edits belong to another table, or were made "
            "already."
        )
    last = order[np.append(~same, True)] if len(order) else order
    return table.replace(edits.rows[last], edits.columns[last], edits.after[last])


def _check_places(edits: LabelEdits, table: LabelTable) -> None:
    check_range(edits.rows, range(table.num_images), "row")
    check_range(edits.columns, range(table.num_classes), "column")


def _only_value(path: Path, found: Any, name: str) -> str:
    values = found[name].unique().to_pylist()
    if len(values) > 1:
        raise LabelError(f"{path}: one {name} a file is supported, got {values[:3]}.")
    return str(values[0] or "") if values else ""


def _positions(path: Path, column: Any, names: tuple[str, ...], kind: str) -> Ints:
    distinct, codes = coded(column)
    places = positions_of(distinct, names)[codes]
    row = first(places < 0)
    if row is not None:
        name = column[row].as_py()
        raise LabelError(
            f"{path}, row {row + 1}: unknown {kind} {name!r}.{suggestion(str(name), names)}"
        )
    return places
