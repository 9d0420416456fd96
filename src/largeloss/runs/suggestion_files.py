"""Suggestions written for people and programs: CSV, Parquet, JSON lines."""

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from largeloss.files import written_atomically
from largeloss.labels.files.parquet import write_parquet
from largeloss.labels.files.spreadsheet import spreadsheet_cell
from largeloss.runs.arguments import check_suggestions
from largeloss.runs.output_kinds import SUGGESTION_COLUMNS
from largeloss.runs.suggestions import Suggestions

_TYPES = dict(
    zip(
        SUGGESTION_COLUMNS,
        (pa.string(), pa.string(), pa.int8(), pa.int64(), pa.int64(), pa.float64(), pa.int8()),
        strict=True,
    )
)
_PART = 1 << 16  # entries that are made plain at a time


def write_suggestions(path: Path, lists: Sequence[Suggestions]) -> None:
    """Writes a ``.csv``, ``.parquet`` or ``.jsonl`` file, one line per entry; each list best first.

    Columns: image; class; label (what was given to the method: 1, 0, or nothing where unobserved);
    rank in the list, from 1 on; class_rank among those of the class; score; truth (1 or 0, where
    the data says more than the method was shown). CSV is for people: names that a spreadsheet would
    take for formulas have an apostrophe before them. Bytes of a file's name that are no UTF-8 are
    written as ``\\udcff``.

    Raises:
        ConfigError: as :func:`.check_suggestions`.
        RunError: the file cannot be written.
    """
    check_suggestions(path)
    with written_atomically(path) as partial:
        if path.suffix == ".parquet":
            write_parquet(partial, pa.concat_tables([*map(_table, _parts(lists)), _table([])]))
            return
        with partial.open("w", encoding="utf-8", newline="") as file:
            if path.suffix == ".jsonl":
                for part in _parts(lists):
                    file.writelines(
                        json.dumps(dict(zip(_TYPES, line, strict=True)), ensure_ascii=False) + "\n"
                        for line in part
                    )
                return
            writer = csv.writer(file)
            writer.writerow(_TYPES)
            for part in _parts(lists):
                writer.writerows((*map(spreadsheet_cell, line[:2]), *line[2:]) for line in part)


Line = tuple[str, str, int | None, int, int, float, int | None]


def _parts(lists: Sequence[Suggestions]) -> Iterator[list[Line]]:
    for found in lists:
        ranks = class_ranks(found.columns)
        for start in range(0, len(found), _PART):
            part = slice(start, start + _PART)
            yield list(
                zip(
                    (_plain(found.images[row]) for row in found.rows[part].tolist()),
                    (_plain(found.classes[column]) for column in found.columns[part].tolist()),
                    _or_none(found.states[part]),
                    range(start + 1, start + 1 + len(found.rows[part])),
                    ranks[part].tolist(),
                    (round(score, 6) for score in found.scores[part].tolist()),
                    _or_none(found.truth[part]),
                    strict=True,
                )
            )


def class_ranks(columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """(K,): the how manieth of its class each entry is, from 1 on; ``columns`` (K,)."""
    order = np.argsort(columns, kind="stable")
    counts = np.bincount(columns)
    ranks = np.empty(len(columns), np.int64)
    ranks[order] = np.arange(1, len(columns) + 1) - (np.cumsum(counts) - counts)[columns[order]]
    return ranks


def _plain(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()


def _or_none(states: NDArray[np.int8]) -> list[int | None]:
    return [None if state < 0 else state for state in states.tolist()]


def _table(lines: list[Line]) -> pa.Table:
    columns = list(zip(*lines, strict=True)) or [()] * len(_TYPES)
    arrays = [pa.array(values, kind) for values, kind in zip(columns, _TYPES.values(), strict=True)]
    return pa.Table.from_arrays(arrays, names=list(_TYPES))
