"""Label files: CSV and Parquet; wide, long and lists of tags.

- wide: ``image[,split],cat,dog,…`` with ``1``, ``0`` or blank for every class;
- long: ``image,label,value[,split]``; a blank label names an image without labels;
- list: ``image,labels[,split]`` with tags separated by ``;``. What an unlisted tag means must be
  declared: ``unknown`` or ``absent``.
"""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyarrow import csv

from largeloss.errors import LabelError
from largeloss.labels.rows import TextTable, read_text_table
from largeloss.labels.table import ABSENT, PRESENT, UNOBSERVED, LabelTable

SPLITS = ("train", "val", "test")
SEPARATOR = ";"

Ints = NDArray[np.int64]


class LabelFile(NamedTuple):
    """What a label file says."""

    table: LabelTable
    splits: tuple[str, ...] | None
    """One an image: train, val or test; None without such a column."""
    layout: str
    """wide, long or list."""


def read_labels(
    path: Path, *, unlisted: str | None = None, classes: Sequence[str] | None = None
) -> LabelFile:
    """Reads a label file.

    Args:
        path: ``.csv`` (UTF-8) or ``.parquet``.
        unlisted: For lists of tags, whether an unlisted tag is ``"unknown"`` or ``"absent"``.
        classes: The classes that may occur, in order; without it those of the header, or in long
            files and lists those that occur, sorted.

    Raises:
        LabelError: naming the file and the line.
    """
    text = read_text_table(Path(path))
    names = text.names
    if not names or names[0] != "image":
        raise LabelError(
            f"{path}: the first column must be 'image', found {names[0]!r}. "
            "A wide file begins 'image,cat,dog', a long one 'image,label,value', a list "
            "'image,labels'."
        )
    if not len(text):
        raise LabelError(f"{path} has a header and no rows. Add one line an image.")
    images, image_of = _images(text)
    splits = _splits(text, image_of, len(images)) if "split" in names else None
    body = set(names) - {"image", "split"}
    if body == {"label", "value"}:
        layout, entries = "long", _long(text, image_of, classes)
    elif body == {"labels"}:
        layout, entries = "list", _list(text, image_of, classes, unlisted)
    else:
        layout, entries = "wide", _wide(text, image_of, classes)
    if unlisted is not None and layout != "list":
        raise LabelError(
            f"{path} is a {layout} file, in which every blank is unobserved; --unlisted is for "
            "lists of tags (image,labels) only. Leave it out."
        )
    table = _merged(text, entries, images)
    if layout == "list" and unlisted == "absent":
        dense_rows, dense_columns = np.nonzero(table.to_dense() == UNOBSERVED)
        table = table.replace(dense_rows, dense_columns, np.full(len(dense_rows), ABSENT))
    return LabelFile(table, splits, layout)


def write_labels(
    path: Path, table: LabelTable, *, splits: Sequence[str] | None = None, layout: str = "wide"
) -> None:
    """Writes ``.csv`` or ``.parquet``, ``wide`` or ``long``; :func:`read_labels` gives it back.

    A long file names only classes that occur, so reading it may need ``classes``.

    Raises:
        LabelError: another suffix or layout.
    """
    if layout == "wide":
        dense = table.to_dense()
        columns: dict[str, Any] = {"image": list(table.images)}
        if splits is not None:
            columns["split"] = list(splits)
        for position, name in enumerate(table.classes):
            states = dense[:, position]
            columns[name] = pa.array(states, mask=states == UNOBSERVED, type=pa.int8())
    elif layout == "long":
        rows, indices, states = table.entries()
        blank = np.setdiff1d(np.arange(table.num_images), rows)
        rows = np.concatenate([rows, blank])
        labels = [table.classes[index] for index in indices] + [""] * len(blank)
        columns = {
            "image": [table.images[row] for row in rows],
            "label": labels,
            "value": pa.array([*states.tolist(), *[None] * len(blank)], type=pa.int8()),
        }
        if splits is not None:
            columns["split"] = [splits[row] for row in rows]
        order = np.argsort(rows, kind="stable")
        columns = {name: pa.array(values).take(pa.array(order)) for name, values in columns.items()}
    else:
        raise LabelError(f"The layout must be wide or long, got {layout!r}.")
    content = pa.table(columns)
    if Path(path).suffix == ".csv":
        csv.write_csv(content, path)
    elif Path(path).suffix == ".parquet":
        pq.write_table(content, path)
    else:
        raise LabelError(f"{path}: label files end in .csv or .parquet.")


class _Entries(NamedTuple):
    images: Ints
    columns: Ints
    states: NDArray[np.int8]
    records: Ints
    """Which row of the file says it."""
    classes: tuple[str, ...]


def _images(text: TextTable) -> tuple[list[str], Ints]:
    column = text.column("image")
    blank = np.flatnonzero(np.asarray(pc.equal(column, "")))
    if len(blank):
        raise LabelError(f"{text.at(blank[0])}: the image has no name.")
    encoded = column.dictionary_encode().combine_chunks()
    return encoded.dictionary.to_pylist(), np.asarray(encoded.indices, dtype=np.int64)


def _splits(text: TextTable, image_of: Ints, num_images: int) -> tuple[str, ...]:
    column = text.column("split")
    code = np.asarray(pc.fill_null(pc.index_in(column, pa.array(SPLITS)), -1), dtype=np.int64)
    wrong = np.flatnonzero(code < 0)
    if len(wrong):
        raise LabelError(
            f"{text.at(wrong[0])}: the split is {column[int(wrong[0])].as_py()!r}; "
            f"it must be {', '.join(SPLITS)}."
        )
    first = np.full(num_images, -1, dtype=np.int64)
    first[image_of[::-1]] = np.arange(len(code))[::-1]
    other = np.flatnonzero(code != code[first[image_of]])
    if len(other):
        begin = first[image_of[other[0]]]
        raise LabelError(
            f"{text.at(other[0])}: image {text.column('image')[int(other[0])].as_py()!r} is in "
            f"split {SPLITS[code[other[0]]]!r} here and in {SPLITS[code[begin]]!r} "
            f"{text.place(begin)}. An image belongs to one split."
        )
    return tuple(SPLITS[value] for value in code[first])


def _states(text: TextTable, name: str, of: Any, what: str) -> NDArray[np.int8]:
    """A column of ``1``, ``0`` and blank as states; ``what`` and ``of`` (E,) are for messages."""
    column = text.column(name)
    code = pc.index_in(column, pa.array(["0", "1", ""]))
    states = np.asarray(pc.fill_null(code, 3), dtype=np.int8)
    wrong = np.flatnonzero(states == 3)
    if len(wrong):
        raise LabelError(
            f"{text.at(wrong[0])}: {what} {of[int(wrong[0])].as_py()!r} is "
            f"{column[int(wrong[0])].as_py()!r}; it must be 1 (present), 0 (absent) or blank (not "
            "annotated). Convert another coding first."
        )
    return np.where(states == 2, np.int8(UNOBSERVED), states)


def _wide(text: TextTable, image_of: Ints, classes: Sequence[str] | None) -> _Entries:
    header = [name for name in text.names if name not in ("image", "split")]
    if not header:
        raise LabelError(f"{text.path} names no class: its header has only {text.names}.")
    wanted = header if classes is None else list(classes)
    for name in wanted:
        if name not in header:
            raise LabelError(f"{text.path}: there is no class {name!r}; {_meant(name, header)}")
    images = text.column("image")
    parts = []
    for position, name in enumerate(wanted):
        states = _states(text, name, images, f"class {name!r} of")
        seen = np.flatnonzero(states != UNOBSERVED)
        parts.append((image_of[seen], np.full(len(seen), position), states[seen], seen))
    image, column, state, record = (np.concatenate(part) for part in zip(*parts, strict=True))
    return _Entries(image, column, state.astype(np.int8), record, tuple(wanted))


def _long(text: TextTable, image_of: Ints, classes: Sequence[str] | None) -> _Entries:
    labels = text.column("label")
    states = _states(text, "value", labels, "the value of")
    nameless = np.asarray(pc.equal(labels, ""))
    wrong = np.flatnonzero(nameless & (states != UNOBSERVED))
    if len(wrong):
        raise LabelError(f"{text.at(wrong[0])}: there is a value but no label.")
    named = np.flatnonzero(~nameless)
    columns, known = _class_numbers(text, labels.take(pa.array(named)), named, classes)
    seen = states[named] != UNOBSERVED
    return _Entries(image_of[named][seen], columns[seen], states[named][seen], named[seen], known)


def _list(
    text: TextTable, image_of: Ints, classes: Sequence[str] | None, unlisted: str | None
) -> _Entries:
    if unlisted not in ("unknown", "absent"):
        raise LabelError(
            f"{text.path} lists tags, and {'says not' if unlisted is None else repr(unlisted)} "
            "what a tag that is not listed means. Declare it: --unlisted unknown (nobody looked) "
            "or --unlisted absent (somebody looked, and it is not there)."
        )
    lists = pc.split_pattern(text.column("labels"), SEPARATOR).combine_chunks()
    tags = pc.utf8_trim_whitespace(lists.flatten())
    records = np.repeat(np.arange(len(text)), np.diff(np.asarray(lists.offsets)))
    named = np.flatnonzero(~np.asarray(pc.equal(tags, "")))
    records = records[named]
    columns, known = _class_numbers(text, tags.take(pa.array(named)), records, classes)
    states = np.full(len(columns), PRESENT, dtype=np.int8)
    return _Entries(image_of[records], columns, states, records, known)


def _class_numbers(
    text: TextTable, labels: Any, records: Ints, classes: Sequence[str] | None
) -> tuple[Ints, tuple[str, ...]]:
    known = sorted(pc.unique(labels).to_pylist()) if classes is None else list(classes)
    if not known:
        raise LabelError(f"{text.path} names no class at all.")
    numbers = np.asarray(
        pc.fill_null(pc.index_in(labels, pa.array(known, type=pa.string())), -1), dtype=np.int64
    )
    wrong = np.flatnonzero(numbers < 0)
    if len(wrong):
        name = labels[int(wrong[0])].as_py()
        raise LabelError(
            f"{text.at(records[wrong[0]])}: unknown class {name!r}; {_meant(name, known)}"
        )
    return numbers, tuple(known)


def _merged(text: TextTable, entries: _Entries, images: list[str]) -> LabelTable:
    keys = entries.images * len(entries.classes) + entries.columns
    order = np.argsort(keys, kind="stable")
    sorted_keys, states = keys[order], entries.states[order]
    conflict = np.flatnonzero((sorted_keys[1:] == sorted_keys[:-1]) & (states[1:] != states[:-1]))
    if len(conflict):
        one, two = order[conflict[0]], order[conflict[0] + 1]
        image, name = images[entries.images[one]], entries.classes[entries.columns[one]]
        raise LabelError(
            f"{text.at(entries.records[two])}: image {image!r} has class {name!r} = "
            f"{entries.states[two]} here and {entries.states[one]} "
            f"{text.place(entries.records[one])}. Keep one of the two."
        )
    return LabelTable.from_entries(
        entries.images, entries.columns, entries.states, images=images, classes=entries.classes
    )


def _meant(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"there are {', '.join(known[:8])}{' …' if len(known) > 8 else ''}."
