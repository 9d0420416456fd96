"""Label edits: what was changed, by whom, when and why. The one format of label changes."""

from collections.abc import Iterable, Sequence
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

_STATES = ("before", "after")
_FIGURES = {"epoch": np.int32, "loss": np.float32, "score": np.float32}
_NUMBERS = {**dict.fromkeys(_STATES, np.int8), **_FIGURES}
_ARRAYS = {"rows": np.int64, "columns": np.int32, **_NUMBERS}
_BLANKS = {"before": UNOBSERVED, "after": UNOBSERVED, "epoch": -1, "loss": np.nan, "score": np.nan}
_WORDS = ("author", "time", "reason")
SCHEMA = pa.schema(
    [("image", pa.string()), ("class", pa.string())]
    + [(name, pa.from_numpy_dtype(kind)) for name, kind in _NUMBERS.items()]
    + [(name, pa.string()) for name in _WORDS]
)
"""Of the Parquet file."""
Words = NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class LabelEdits:
    """M label changes in the order in which they were made. Built by ``of`` or ``named``.

    Shapes: all arrays (M,). ``before`` and ``after`` are int8, 1, 0 or -1; ``author``, ``time`` and
    ``reason`` hold strings.
    """

    images: tuple[str, ...]
    """Names that ``rows`` refer to."""
    classes: tuple[str, ...]
    """Names that ``columns`` refer to."""
    rows: Ints
    columns: NDArray[np.int32]
    before: States
    after: States
    epoch: NDArray[np.int32]
    """-1 outside of training."""
    loss: NDArray[np.float32]
    """NaN where there was none."""
    score: NDArray[np.float32]
    """What a model said, NaN where it said nothing."""
    author: Words
    """Who: a method, ``ll-cp``; a person, ``reviewer:anna``; a file, ``import:label-studio``."""
    time: Words
    """ISO 8601, or empty."""
    reason: Words

    @classmethod
    def of(
        cls,
        *,
        images: Iterable[str],
        classes: Iterable[str],
        rows: ArrayLike,
        columns: ArrayLike,
        before: ArrayLike,
        after: ArrayLike,
        epoch: ArrayLike = -1,
        loss: ArrayLike = float("nan"),
        score: ArrayLike = float("nan"),
        author: str | Sequence[str] | Words,
        time: str | Sequence[str] | Words = "",
        reason: str | Sequence[str] | Words = "",
    ) -> Self:
        """Edits from arrays (M,) of any number type; a single value stands for M equal ones.

        Raises:
            LabelError: lengths that differ, a row or column without a name, or a state other than
                1, 0 and -1.
        """
        length, names = np.size(rows), (tuple(images), tuple(classes))
        numbers = (rows, columns, before, after, epoch, loss, score)
        given = {name: np.asarray(one) for name, one in zip(_ARRAYS, numbers, strict=True)}
        for name, word in zip(_WORDS, (author, time, reason), strict=True):
            given[name] = np.array([word] if isinstance(word, str) else word, dtype=object)
        for name, array in given.items():
            if array.ndim > 1 or array.size not in (1, length):
                raise LabelError(
                    f"Edits of {length} rows need {length} values of {name}, got the shape "
                    f"{array.shape}."
                )
        check_range(given["rows"], range(len(names[0])), "row")
        check_range(given["columns"], range(len(names[1])), "column")
        for name in _STATES:
            check_range(given[name], range(UNOBSERVED, 2), "state")
        arrays: dict[str, Any] = {
            name: np.broadcast_to(array.reshape(-1), (length,)).astype(_ARRAYS.get(name, object))
            for name, array in given.items()
        }
        return cls(*names, **arrays)

    @classmethod
    def named(cls, images: Sequence[str], classes: Sequence[str], **rest: Any) -> Self:
        """As :meth:`of`, with the names of image (M,) and class (M,) of each edit."""
        known = tuple(dict.fromkeys(images)), tuple(dict.fromkeys(classes))
        rows, columns = positions_of(images, known[0]), positions_of(classes, known[1])
        return cls.of(images=known[0], classes=known[1], rows=rows, columns=columns, **rest)

    @classmethod
    def concatenated(cls, parts: Sequence["LabelEdits"]) -> Self:
        """The edits of all parts, one after the other."""
        return cls._from_arrow(pa.concat_tables([SCHEMA.empty_table(), *map(_as_arrow, parts)]))

    @classmethod
    def _from_arrow(cls, content: pa.Table) -> Self:
        for name in ("image", "class", "author"):
            missing = first(pc.is_null(content[name]))
            if missing is not None:
                raise LabelError(f"Row {missing + 1} has no {name}.")
        (images, rows), (classes, columns) = coded(content["image"]), coded(content["class"])
        numbers = {
            name: pc.fill_null(content[name], pa.scalar(blank, content[name].type)).to_numpy()
            for name, blank in _BLANKS.items()
        }
        words = {name: pc.fill_null(content[name], "").to_numpy() for name in _WORDS}
        names = {"images": images, "classes": classes}
        return cls.of(**names, rows=rows, columns=columns, **numbers, **words)

    def __len__(self) -> int:
        return len(self.rows)

    def select(self, chosen: NDArray[np.bool_] | Ints) -> Self:
        """The edits ``chosen`` by a mask (M,) or by positions, in that order."""
        arrays = {name: getattr(self, name)[chosen] for name in (*_ARRAYS, *_WORDS)}
        return type(self)(self.images, self.classes, **arrays)

    def places(self, table: LabelTable) -> tuple[Ints, Ints]:
        """Rows and columns (M,) of a table with the same names in any order; -1 where unknown."""
        rows = positions_of(self.images, table.images)[self.rows]
        return rows, positions_of(self.classes, table.classes)[self.columns]


def write_edits(path: str | Path, edits: LabelEdits, notes: dict[str, str] | None = None) -> None:
    """Writes ``edits`` as Parquet, with the names of images and classes.

    Columns: image, class, before, after (null is unobserved), epoch, loss, score (null where there
    is none), author, time, reason. ``notes`` are metadata of the file.
    """
    content = _as_arrow(edits).replace_schema_metadata(notes)
    with written_atomically(Path(path)) as partial:
        write_parquet(partial, content)


def read_edits(path: str | Path) -> LabelEdits:
    """Reads what :func:`write_edits` wrote; its names are those that the edits have.

    Raises:
        LabelError: the file is none of this kind.
    """
    return read_edits_and_notes(Path(path))[0]


def read_edits_and_notes(path: Path) -> tuple[LabelEdits, dict[str, str]]:
    """As :func:`read_edits`, and the notes in the file.

    Raises:
        LabelError: the file is none of this kind.
    """
    found = read_parquet(path, LabelError)
    if not found.schema.equals(SCHEMA):
        needed, got = (
            ", ".join(f"{one.name} ({one.type})" for one in schema)
            for schema in (SCHEMA, found.schema)
        )
        raise LabelError(
            f"{path}: this is no file of label edits. Needed are the columns {needed}; got {got}."
        )
    try:
        edits = LabelEdits._from_arrow(found)
    except LabelError as error:
        raise LabelError(f"{path}: {error}") from None
    notes = found.schema.metadata or {}
    return edits, {key.decode(): value.decode("utf-8", "replace") for key, value in notes.items()}


def apply_edits(table: LabelTable, edits: LabelEdits) -> LabelTable:
    """A new table with the edits made, one after the other.

    Raises:
        LabelError: an image or class that the table does not have, or a ``before`` is not what the
            table (or the edit before) says.
    """
    rows, columns = edits.places(table)
    for places, own, given, known, kind in (
        (rows, edits.rows, edits.images, table.images, "image"),
        (columns, edits.columns, edits.classes, table.classes, "class"),
    ):
        edit = first(places < 0)
        if edit is not None:
            name = given[own[edit]]
            raise LabelError(f"Edit {edit}: unknown {kind} {name!r}.{suggestion(name, known)}")
    keys = rows * table.num_classes + columns
    order = np.argsort(keys, kind="stable")
    same = np.diff(keys[order]) == 0
    expected = table.at(rows, columns)
    expected[order[1:][same]] = edits.after[order[:-1][same]]
    wrong = first(expected != edits.before)
    if wrong is not None:
        raise LabelError(
            f"Edit {wrong} of image {table.images[rows[wrong]]!r}, class "
            f"{table.classes[columns[wrong]]!r} expects the label {edits.before[wrong]}, but the "
            f"table has {expected[wrong]}. The edits belong to another table, or were made already."
        )
    last = order[np.append(~same, True)] if len(order) else order
    return table.replace(rows[last], columns[last], edits.after[last])


def _as_arrow(edits: LabelEdits) -> pa.Table:
    images = pa.array(edits.images, pa.string()).take(pa.array(edits.rows))
    classes = pa.array(edits.classes, pa.string()).take(pa.array(edits.columns))
    states = [pa.array(one, mask=one == UNOBSERVED) for one in (edits.before, edits.after)]
    figures = [pa.array(one, mask=np.isnan(one)) for one in (edits.loss, edits.score)]
    epochs = pa.array(edits.epoch, mask=edits.epoch < 0)
    words = [pa.array(getattr(edits, name), pa.string()) for name in _WORDS]
    return pa.Table.from_arrays([images, classes, *states, epochs, *figures, *words], schema=SCHEMA)
