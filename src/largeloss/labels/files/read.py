"""Label files: CSV and Parquet, wide, long and lists."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from largeloss.errors import LabelError
from largeloss.labels.files import layouts as parse
from largeloss.labels.files.foreign import with_our_numbers
from largeloss.labels.files.header import (
    check_header,
    check_one_word,
    check_unlisted,
    header_of,
    likely_columns,
    unlisted_by_split,
)
from largeloss.labels.files.raw import RawTable, read_raw
from largeloss.labels.names import check_spaces
from largeloss.labels.table import LabelTable


class LabelFile(NamedTuple):
    """What a label file says."""

    table: LabelTable
    splits: tuple[str, ...] | None
    """``train``, ``val`` or ``test`` for each image; None where the file has no such column."""
    layout: str
    """``wide``, ``long`` or ``list``."""
    notes: tuple[str, ...] = ()
    """What was decided on reading, in sentences for the user."""


def read_labels(
    path: str | Path, *, unlisted: str | None = None, coding: str | None = None
) -> LabelFile:
    """Reads a ``.csv`` or ``.parquet`` file; its header tells which layout it has.

    * wide, ``image,cat,dog``: one line per image; cells are 1 (present), 0 (absent) or blank
      (unobserved). 1.0, 0.0, TRUE, FALSE and NaN, as pandas writes them, are read so too.
    * long, ``image,label,value``: one line per entry; a blank value is unobserved, and a line with
      neither label nor value only lists the image. Classes are the labels, sorted.
    * list, ``image,labels``: the present labels of an image in one cell, between semicolons (or a
      list of strings in Parquet). Classes are the labels, sorted. Labels in text that look like
      several, between commas for example, are refused or noted.

    Each may have a column ``split``: train, val or test. Images come in the order of their first
    appearance; lines on one image are merged. CSV is UTF-8, with or without byte order mark, or
    UTF-16 with one; lines that are empty, or of commas alone, are skipped. In Parquet, values are
    numbers or booleans, and null is unobserved.

    ``unlisted``, for lists and needed there, says whether a label that is not listed is
    ``"unknown"`` or ``"absent"``, or says it for each split that the file names:
    ``"train=unknown,test=absent"``.
    ``coding`` is a name of :data:`largeloss.labels.CODINGS`, for wide and long files whose numbers
    mean something else.

    Raises:
        LabelError: anything that cannot be understood, or contradicts itself; the message names
            the lines (header = 1), in Parquet the rows (first = 1).
        ConfigError: ``unlisted`` is another word, or given for a file that lists nothing, or by
            split for one that names none; no such coding, or one for a file that lists labels.
    """
    return understood(read_raw(Path(path)), unlisted=unlisted, coding=coding)


def understood(
    raw: RawTable, *, unlisted: str | None = None, coding: str | None = None
) -> LabelFile:
    """As :func:`read_labels`, of a file whose columns were read."""
    check_header(raw)
    header = header_of(raw.header)
    layout, split, positions = header
    check_unlisted(raw, layout, unlisted)
    if coding is not None:
        raw = with_our_numbers(raw, header, coding)
    images = parse.parse_images(raw, split)
    if layout == "long":
        parsed = parse.parse_long(raw, positions, images)
    elif layout == "list" and unlisted is not None:
        if images.splits is None:
            check_one_word(unlisted, f"{raw.path} has no column 'split'")
        splits = images.splits or ("",) * len(images.names)
        words = unlisted_by_split(unlisted, dict.fromkeys(splits))
        unknown = np.array([words[split] == "unknown" for split in splits])
        parsed = parse.parse_list(raw, positions[0], images, unknown)
    else:
        parsed = parse.parse_wide(raw, positions, images, likely_columns(raw.header))
    try:
        check_spaces(parsed.table.classes)
    except LabelError as error:
        raise LabelError(f"{raw.path}: {error}") from None
    notes = (*_notes(parsed.spellings), *parsed.remarks)
    return LabelFile(parsed.table, images.splits, layout, notes)


def _notes(spellings: Sequence[str]) -> tuple[str, ...]:
    if not spellings:
        return ()
    return (
        f"Labels are written {', '.join(spellings)}: 1.0 and TRUE are read as 1 (present), 0.0 and "
        "FALSE as 0 (absent), and NaN as blank (unobserved).",
    )
