"""Suggestions that come back from a spreadsheet, with answers."""

from pathlib import Path

import pyarrow as pa

from largeloss.labels import LabelTable
from largeloss.labels.files.layouts import parse_images, parse_long
from largeloss.labels.files.raw import HEADER, read_raw
from largeloss.labels.files.spreadsheet import text_of_cell
from largeloss.runs.output_kinds import SUGGESTION_COLUMNS

COLUMNS = SUGGESTION_COLUMNS[:3]
"""That are read: image, class, label."""


def read_filled_suggestions(path: Path) -> LabelTable:
    """The labels in a file of suggestions, CSV or Parquet, that somebody has filled in.

    Columns ``image``, ``class`` and ``label`` (1 present, 0 absent, blank: not answered) are read,
    in any order and by their names; others do not count.

    Raises:
        LabelError: it cannot be read, lacks one of these columns, or has other labels.
    """
    raw = read_raw(path, as_text=True)
    if lacking := [name for name in COLUMNS if name not in raw.header]:
        raise raw.refusal(
            f"there is no column {lacking[0]!r}. A file of suggestions has the columns "
            f"{', '.join(COLUMNS)}, as 'largeloss suggest' writes them.",
            HEADER,
        )
    if twice := [name for name in COLUMNS if raw.header.count(name) > 1]:
        raise raw.refusal(
            f"there are two columns {twice[0]!r}, which may say different things. Remove one.",
            HEADER,
        )
    images, classes, labels = (raw.columns[raw.header.index(name)] for name in COLUMNS)
    if path.suffix.lower() == ".csv":
        images, classes = (
            pa.chunked_array([pa.array(map(text_of_cell, names.to_pylist()), pa.string())])
            for names in (images, classes)
        )
    as_long = raw._replace(header=("image", "label", "value"), columns=(images, classes, labels))
    return parse_long(as_long, (1, 2), parse_images(as_long, None)).table
