"""Label files written: what :func:`read_labels` reads, exactly."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from largeloss.errors import ConfigError, LabelError
from largeloss.files import written_atomically
from largeloss.labels.files.header import header_of
from largeloss.labels.files.layouts import SPLITS
from largeloss.labels.files.parquet import write_parquet
from largeloss.labels.names import check_spaces
from largeloss.labels.table import UNOBSERVED, LabelTable


def write_labels(
    path: str | Path,
    table: LabelTable,
    *,
    splits: Sequence[str] | None = None,
    layout: str = "wide",
) -> None:
    """Writes ``table`` as ``.csv`` or ``.parquet``; the file appears only when it is complete.

    The long layout is smaller where little is observed. It keeps the order of the images; that of
    the classes is the alphabet's when they are read.

    The folder must exist. ``splits`` are train, val or test for each image, ``layout`` is
    ``"wide"`` or ``"long"``.

    Raises:
        LabelError: another suffix, no image or class, or names that the file cannot hold.
        ConfigError: another layout.
    """
    path = Path(path)
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise LabelError(f"{path}: label files end in .csv or .parquet.")
    if layout not in ("wide", "long"):
        raise ConfigError(f"layout must be 'wide' or 'long', got {layout!r}.")
    if 0 in table.shape:
        raise LabelError(f"{path}: a label file needs an image and a class, got {table!r}.")
    _check_splits(table, splits)
    is_csv = path.suffix.lower() == ".csv"
    _check_names([*table.images, *table.classes], is_csv)
    check_spaces(table.classes)
    columns = _wide(table, splits) if layout == "wide" else _long(table, splits)
    with written_atomically(path) as partial:
        if is_csv:
            partial.write_bytes(_as_csv(columns))
        else:
            write_parquet(partial, pa.table(columns))


def _wide(table: LabelTable, splits: Sequence[str] | None) -> dict[str, Any]:
    start = {"image": pa.array(table.images, pa.string())}
    if splits is not None:
        start["split"] = pa.array(splits, pa.string())
    found = header_of([*start, *table.classes])
    if found.layout != "wide" or len(found.labels) != table.num_classes or "image" in table.classes:
        raise LabelError(
            f"Classes of these names would be misunderstood in a wide header: "
            f"{', '.join(table.classes)}. Write layout='long'."
        )
    dense = table.to_dense()
    states = (pa.array(column, mask=column == UNOBSERVED) for column in dense.T)
    return start | dict(zip(table.classes, states, strict=True))


def _long(table: LabelTable, splits: Sequence[str] | None) -> dict[str, Any]:
    """Entries by image; blank lines stand for images, and classes, of which nothing is known."""
    rows, columns, states = table.entries()
    silent = np.flatnonzero(np.diff(table.offsets) == 0)
    unused = np.setdiff1d(np.arange(table.num_classes), columns)
    # Column C is the blank label; image 0 comes first, so that it may carry the unused classes.
    rows = np.concatenate([rows, silent, np.zeros(len(unused), dtype=np.int64)])
    columns = np.concatenate([columns, np.full(len(silent), table.num_classes), unused])
    states = np.concatenate([states, np.full(len(silent) + len(unused), UNOBSERVED, np.int8)])
    order = np.argsort(rows, kind="stable")
    rows, columns, states = rows[order], columns[order], states[order]
    found = {"image": pa.array(table.images, pa.string()).take(pa.array(rows))}
    if splits is not None:
        found["split"] = pa.array(splits, pa.string()).take(pa.array(rows))
    found["label"] = pa.array([*table.classes, ""], pa.string()).take(pa.array(columns))
    found["value"] = pa.array(states, mask=states == UNOBSERVED)
    return found


def _as_csv(columns: dict[str, Any]) -> bytes:
    header = io.StringIO()
    csv.writer(header, lineterminator="\n").writerow(columns)
    content = pa.table(columns)
    try:
        body = _body(content, "none")
    except pa.ArrowInvalid:  # some name holds a comma or a quote
        body = _body(content, "needed")
    return header.getvalue().encode() + body


def _body(content: Any, quoting: str) -> bytes:
    sink = io.BytesIO()
    options = arrow_csv.WriteOptions(include_header=False, quoting_style=quoting)
    arrow_csv.write_csv(content, sink, options)
    return sink.getvalue()


def _check_splits(table: LabelTable, splits: Sequence[str] | None) -> None:
    if splits is None:
        return
    if len(splits) != table.num_images:
        raise LabelError(f"{table.num_images} splits are needed, one per image, got {len(splits)}.")
    for name in sorted(set(splits) - set(SPLITS)):
        raise LabelError(f"Unknown split {name!r}. Needed: {', '.join(SPLITS)}.")


def _check_names(names: Iterable[str], is_csv: bool) -> None:
    for name in names:
        if not name.strip():
            raise LabelError(f"The name {name!r} is blank: a label file cannot hold it.")
        if is_csv and not {"\n", "\r", "\0"}.isdisjoint(name):
            raise LabelError(f"The name {name!r} has a line end or NUL in it. Write .parquet.")
        try:
            name.encode()
        except UnicodeEncodeError:
            raise LabelError(f"The name {name!r} is no valid Unicode. Rename it.") from None
