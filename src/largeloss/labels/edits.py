"""The journal of label changes: what, when, by whom and why; one format on disk."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray

from largeloss.errors import LabelError
from largeloss.labels.table import UNOBSERVED, LabelTable


@dataclass(frozen=True, eq=False)
class LabelEdits:
    """E changes of entries from one state to another."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int32]
    before: NDArray[np.int8]
    after: NDArray[np.int8]
    epoch: NDArray[np.int32]
    loss: NDArray[np.float32]
    """The assume-negative loss that gave the entry away; NaN where there is none."""
    author: str
    """A method, or a person."""
    reason: str
    time: str = ""
    """ISO 8601, or blank."""

    @classmethod
    def of(
        cls,
        rows: ArrayLike,
        columns: ArrayLike,
        before: ArrayLike,
        after: ArrayLike,
        epoch: ArrayLike,
        loss: ArrayLike,
        author: str,
        reason: str,
        time: str = "",
    ) -> Self:
        """From arrays of any kind; single values stand for all edits."""
        number = len(np.asarray(rows))
        kinds = (np.int64, np.int32, np.int8, np.int8, np.int32, np.float32)
        arrays: list[Any] = [
            np.broadcast_to(np.asarray(values, dtype=kind), (number,)).copy()
            for values, kind in zip((rows, columns, before, after, epoch, loss), kinds, strict=True)
        ]
        return cls(*arrays, author, reason, time)

    def __len__(self) -> int:
        return len(self.rows)


def write_edits(path: Path, edits: LabelEdits, table: LabelTable) -> None:
    """Writes Parquet with the names of images and classes; blank is unobserved."""
    constant = {"author": edits.author, "reason": edits.reason, "time": edits.time}
    columns: dict[str, Any] = {
        "image": [table.images[row] for row in edits.rows],
        "label": [table.classes[column] for column in edits.columns],
        "before": pa.array(edits.before, mask=edits.before == UNOBSERVED),
        "after": pa.array(edits.after, mask=edits.after == UNOBSERVED),
        "epoch": edits.epoch,
        "loss": edits.loss,
    }
    content = pa.table(columns)
    for name, value in constant.items():
        content = content.append_column(name, pa.array([value] * len(edits), type=pa.string()))
    partial = Path(path).with_name(Path(path).name + ".partial")
    pq.write_table(content, partial)
    partial.replace(path)


def read_edits(path: Path, table: LabelTable) -> LabelEdits:
    """Reads what :func:`write_edits` wrote.

    Raises:
        LabelError: unreadable, or about images or classes that ``table`` does not have.
    """
    try:
        content = pq.read_table(path).to_pydict()
        images, labels = content["image"], content["label"]
        before, after = (
            [UNOBSERVED if state is None else state for state in content[name]]
            for name in ("before", "after")
        )
        author, reason, time = ([*content[n], ""][0] for n in ("author", "reason", "time"))
    except (pa.ArrowInvalid, OSError, KeyError) as error:
        raise LabelError(f"{path} cannot be read as a journal of label edits: {error}") from None
    row_of = {name: row for row, name in enumerate(table.images)}
    column_of = {name: column for column, name in enumerate(table.classes)}
    for kind, names, known in (("image", images, row_of), ("class", labels, column_of)):
        foreign = [name for name in names if name not in known]
        if foreign:
            raise LabelError(
                f"{path} edits {kind} {foreign[0]!r}, which the labels do not have. Use the "
                "labels that the edits were made on."
            )
    rows, columns = [row_of[name] for name in images], [column_of[name] for name in labels]
    return LabelEdits.of(
        np.asarray(rows, dtype=np.int64),
        columns,
        before,
        after,
        content["epoch"],
        content["loss"],
        author,
        reason,
        time,
    )


def apply_edits(table: LabelTable, edits: LabelEdits) -> LabelTable:
    """A new table with the edits made.

    Raises:
        LabelError: an entry is not in the state that an edit found it in.
    """
    found = table.lookup(edits.rows)[np.arange(len(edits)), edits.columns]
    wrong = np.flatnonzero(found != edits.before)
    if len(wrong):
        first = wrong[0]
        raise LabelError(
            f"Image {table.images[edits.rows[first]]!r}, class "
            f"{table.classes[edits.columns[first]]!r} is {found[first]}, but the edit was made "
            f"where it was {edits.before[first]}. Apply edits once, to the labels they came from."
        )
    return table.replace(edits.rows, edits.columns, edits.after)
