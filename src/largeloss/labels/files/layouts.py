"""From the columns of a label file to a table, for each of the three layouts."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute as pc

from largeloss.errors import LabelError
from largeloss.labels.entries import Ints, States, find_conflict, sparse_rows
from largeloss.labels.files.columns import WRONG, as_text, coded, first, states_of
from largeloss.labels.files.raw import RawTable
from largeloss.labels.files.separators import SEPARATOR, doubts
from largeloss.labels.names import positions_of
from largeloss.labels.table import UNOBSERVED, LabelTable
from largeloss.watch import watched

SPLITS = ("train", "val", "test")
Names = tuple[str, ...]


class Images(NamedTuple):
    """The images of a file, in order of their first appearance."""

    names: Names
    codes: Ints
    """(lines,) the image of each line."""
    splits: Names | None
    """One an image."""


def parse_images(raw: RawTable, split: int | None) -> Images:
    """Refuses blank names, and splits that are blank, unknown, or two for one image."""
    text = as_text(raw.columns[0])
    blank = first(pc.equal(pc.utf8_trim_whitespace(text), ""))
    if blank is not None:
        raise raw.refusal("the image has no name.", blank)
    names, codes = coded(text)
    if split is None:
        return Images(names, codes, None)
    spoken = as_text(raw.columns[split])
    numbers = pc.index_in(spoken, value_set=pa.array(SPLITS))
    wrong = first(pc.is_null(numbers))
    if wrong is not None:
        raise raw.refusal(
            f"image {names[codes[wrong]]!r} has the split {spoken[wrong].as_py()!r}. Needed: "
            f"{', '.join(SPLITS)}.",
            wrong,
        )
    of_line = numbers.to_numpy()
    lines = np.empty(len(names), dtype=np.int64)
    lines[codes[::-1]] = np.arange(len(codes))[::-1]
    other = first(of_line != of_line[lines][codes])
    if other is not None:
        image = codes[other]
        raise raw.refusal(
            f"image {names[image]!r} is in two splits, {SPLITS[of_line[lines[image]]]!r} and "
            f"{SPLITS[of_line[other]]!r}. Each image belongs to one.",
            lines[image],
            other,
        )
    return Images(names, codes, tuple(SPLITS[number] for number in of_line[lines]))


class Parsed(NamedTuple):
    """The labels of a file."""

    table: LabelTable
    spellings: tuple[str, ...] = ()
    """How values are written that are neither 1, 0 nor blank, and are read as one of these."""
    remarks: tuple[str, ...] = ()
    """What may be meant otherwise than it is read, in sentences for the user."""


def parse_wide(raw: RawTable, positions: Sequence[int], images: Images, hint: str = "") -> Parsed:
    """One column per class; ``hint`` ends the refusal of a value that is none."""
    watching = watched(positions, f"Columns of {raw.path.name}", len(positions))
    dense = np.empty((len(images.codes), len(positions)), dtype=np.int8)
    spelled = set[str]()
    for place, position in enumerate(watching):
        dense[:, place], found = states_of(raw.columns[position])
        spelled |= found
    classes = tuple(raw.header[position] for position in positions)
    if dense.max() == WRONG:
        wrong = int(np.argmax((dense == WRONG).any(axis=1)))
        column = int(np.argmax(dense[wrong] == WRONG))
        raise _wrong_value(
            raw, raw.columns[positions[column]], wrong, images, classes[column], hint
        )
    return Parsed(_dense_table(raw, dense, images, classes), tuple(sorted(spelled)))


def parse_long(raw: RawTable, positions: Sequence[int], images: Images) -> Parsed:
    """One line per entry; a blank value is unobserved, a blank label only lists the image."""
    labels, values = as_text(raw.columns[positions[0]]), raw.columns[positions[1]]
    states, spelled = states_of(values)
    wrong = first(states == WRONG)
    if wrong is not None:
        raise _wrong_value(raw, values, wrong, images, labels[wrong].as_py())
    unnamed = np.asarray(pc.equal(labels, ""))
    stray = first(unnamed & (states >= 0))
    if stray is not None:
        raise raw.refusal(
            f"image {images.names[images.codes[stray]]!r} has a value without a label.", stray
        )
    lines = np.flatnonzero(~unnamed)
    names, columns = _columns(raw, labels.filter(pa.array(~unnamed)))
    if blank := next((name for name in names if not name.strip()), None):
        raise raw.refusal(
            "the label holds only blanks. Name the class; a line that only lists the image has "
            "neither label nor value.",
            np.flatnonzero(np.asarray(pc.equal(labels, blank)))[0],
        )
    observed = states[lines] >= 0
    lines = lines[observed]
    table = _table(raw, lines, columns[observed], states[lines], images, names)
    return Parsed(table, tuple(sorted(spelled)))


def parse_list(raw: RawTable, position: int, images: Images, unknown: NDArray[np.bool_]) -> Parsed:
    """The present labels of an image in one cell; the others are unobserved where ``unknown``.

    ``unknown`` has one value per image; elsewhere they are absent.
    """
    cells = raw.columns[position]
    in_text = isinstance(cells, np.ndarray) or not (
        pa.types.is_list(cells.type) or pa.types.is_large_list(cells.type)
    )
    if in_text:
        cells = pc.split_pattern(as_text(cells), SEPARATOR)
    cells = cells.combine_chunks()
    lines = np.asarray(pc.list_parent_indices(cells)).astype(np.int64)
    labels = pc.utf8_trim_whitespace(as_text(pc.list_flatten(cells)))
    named = np.asarray(pc.not_equal(labels, ""))
    lines = lines[named]
    names, columns = _columns(raw, labels.filter(pa.array(named)))
    remarks = _remarks(raw, names, lines, columns) if in_text else ()
    if unknown.all():
        states = np.ones(len(lines), dtype=np.int8)
        return Parsed(_table(raw, lines, columns, states, images, names), remarks=remarks)
    dense = np.zeros((len(raw.columns[0]), len(names)), dtype=np.int8)
    dense[unknown[images.codes]] = UNOBSERVED
    dense[lines, columns] = 1
    return Parsed(_dense_table(raw, dense, images, names), remarks=remarks)


def _remarks(raw: RawTable, names: Names, lines: Ints, columns: Ints) -> tuple[str, ...]:
    """What to say of tags that may be several; LabelError where they can hardly be one."""
    found = []
    for doubt in doubts(names, several=bool((lines[1:] == lines[:-1]).any())):
        if doubt.certain:
            raise raw.refusal(doubt.words, lines[columns == names.index(doubt.tag)][0])
        found.append(doubt.words)
    return tuple(found)


def _columns(raw: RawTable, labels: Any) -> tuple[Names, Ints]:
    """(the distinct labels, sorted: the classes; the column of each label)."""
    found, codes = coded(labels)
    names = tuple(sorted(found))
    if not names:
        raise raw.refusal("no line names a label, so that there is no class.")
    return names, positions_of(found, names)[codes]


def _wrong_value(
    raw: RawTable, column: Any, line: int, images: Images, name: str, more: str = ""
) -> LabelError:
    value = column[line].as_py()
    hint = " Unobserved is a blank in files." if str(value) in ("-1", "-1.0") else ""
    return raw.refusal(
        f"image {images.names[images.codes[line]]!r}, class {name!r}: the value {value!r} is "
        f"unknown. Needed: 1 (present), 0 (absent) or blank (unobserved).{hint}{more}",
        line,
    )


def _dense_table(raw: RawTable, dense: States, images: Images, classes: Names) -> LabelTable:
    """Of the states (lines, classes), which may be changed; lines on one image are merged.

    Of two million lines the memory counts: only lines of images that have several are looked at as
    entries.
    """
    codes, count = images.codes, len(images.names)
    if count < len(dense):
        several = np.flatnonzero((np.bincount(codes) > 1)[codes])
        lines, columns = np.nonzero(dense[several] >= 0)
        lines = several[lines]
        merged = _table(raw, lines, columns, dense[lines, columns], images, classes).entries()
        first = np.empty(count, dtype=np.int64)
        first[codes[::-1]] = np.arange(len(codes))[::-1]
        dense = dense[first]
        dense[merged.rows, merged.columns] = merged.states
    return LabelTable(*sparse_rows(dense), classes, images.names)


def _table(
    raw: RawTable, lines: Ints, columns: Ints, states: States, images: Images, classes: Names
) -> LabelTable:
    rows = images.codes[lines]
    try:
        return LabelTable.from_entries(rows, columns, states, images=images.names, classes=classes)
    except LabelError:
        pair = find_conflict(rows * len(classes) + columns, states)
        if pair is None:
            raise
    image, name = images.names[rows[pair[0]]], classes[columns[pair[0]]]
    raise raw.refusal(
        f"image {image!r}, class {name!r} is present on one line and absent on the other. "
        "Keep one of them.",
        *(lines[position] for position in pair),
    )
