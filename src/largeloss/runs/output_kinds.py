"""What commands write into one file, and by what such a file is known as theirs of before.

Each is recognised by its first lines or its columns, so that a label file or an image is never
taken for one; the files of earlier versions are known, too. Figures alone are marked, in their
metadata: those of earlier versions are like any other of matplotlib, and are not replaced.
"""

import csv
import io
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from largeloss.files import check_regular, loaded_json, read_text

SUGGESTION_COLUMNS = ("image", "class", "label", "rank", "class_rank", "score", "truth")
"""Of files of suggestions."""
FIGURE_TITLE = "largeloss analyze cam"
"""In the metadata of figures of activation maps."""
_ROWS = 20  # of CSV that are looked at
_HEAD = 1 << 22  # bytes that are read: the header of 100,000 classes
_BINARY = {b"\x89PNG": "a PNG image", b"\xff\xd8": "a JPEG image", b"%PDF": "a PDF"}
_PREDICTION = ["image", "tags", "scores"]  # of JSON


class OutputKind(NamedTuple):
    """What a command writes."""

    suffixes: tuple[str, ...]
    """How the name may end; any, if none is given."""
    wrote: Callable[[Path], bool]
    """Whether a file that is there is of this kind; what cannot be read is not."""
    unknown: str = ""
    """Which files of this kind are not known, in a sentence."""


def content(path: Path) -> str:
    """What a file holds, in words: its first line, where it is text."""
    try:
        head = _head(path, 200)
        if head.startswith(b"PAR1"):
            return f"its columns are {', '.join(_columns(path)[0][:6])}"
    except (OSError, ValueError) as error:
        return f"it cannot be read ({error})"
    for start, name in _BINARY.items():
        if head.startswith(start):
            return f"it is {name}"
    if b"\0" in head:
        return "it is no text"
    return f"it begins with {head.decode('utf-8-sig', 'replace').lstrip().split(chr(10))[0][:60]!r}"


def _head(path: Path, limit: int = _HEAD) -> bytes:
    check_regular(path)
    with path.open("rb") as file:
        return file.read(limit)


def _text(path: Path) -> str:
    return _head(path).decode("utf-8", "replace")


def _object(line: str) -> dict[str, Any]:
    found = loaded_json(line)
    return found if isinstance(found, dict) else {}


def _lines(path: Path) -> list[list[str]]:
    """The header of CSV, and the first rows."""
    text = _text(path)
    rows = list(islice(csv.reader(io.StringIO(text, newline="")), 1 + _ROWS))
    if len(rows) > 2 and path.stat().st_size > _HEAD:
        rows.pop()  # which may not be whole
    return rows


def _columns(path: Path) -> tuple[list[str], dict[bytes, bytes]]:
    """Names of Parquet, and what is noted beside them."""
    from pyarrow import ArrowException, parquet  # slow to import, for who writes text

    check_regular(path)
    try:
        schema = parquet.read_schema(path)
    except ArrowException as error:  # of which some are no ValueError
        raise ValueError(error) from None
    return schema.names, schema.metadata or {}


def _predictions(path: Path) -> bool:
    if path.suffix == ".parquet":
        names, noted = _columns(path)
        return names[:2] == ["image", "tags"] and b"computed by" in noted
    if path.suffix == ".csv":
        return _scores(*_lines(path))
    line = _text(path).removeprefix("[\n").split("\n", 1)[0]
    return list(_object(line.removesuffix(","))) == _PREDICTION


def _scores(header: Sequence[str], *rows: Sequence[str]) -> bool:
    """Whether CSV holds predictions.

    A list of tags may begin alike, and goes on with no probabilities; a label file with a class
    called 'tags' has 0 and 1 there, or blanks, and elsewhere.
    """
    if header[:2] != ["image", "tags"] or len(header) == 2 or not rows:
        return False
    # a quote may stand before what a spreadsheet would compute, and a name may hold semicolons
    known = {part.lstrip("'") for name in header[2:] for part in name.split(";")} | {""}
    tags = {tag.lstrip("'") for row in rows for tag in row[1].split(";")}
    scores = [cell for row in rows for cell in row[2:]]
    return (
        tags <= known
        and all(len(row) == len(header) for row in rows)
        and all(0 <= float(score) <= 1 for score in scores)
        and not all(score.isdigit() for score in scores)
    )


def _suggestions(path: Path) -> bool:
    if path.suffix == ".parquet":
        names = _columns(path)[0]
    elif path.suffix == ".csv":
        names = _lines(path)[0]
    else:
        names = list(_object(_text(path).split("\n", 1)[0]))
    return names == list(SUGGESTION_COLUMNS)


def _figures(path: Path) -> bool:
    found = _object(read_text(path))
    return {"split", "rule"} <= found.keys() and bool({"map", "groups"} & found.keys())


def _report(path: Path) -> bool:
    text = _text(path)
    return text.startswith("<!doctype html>") and "--curve-1:" in text


def _table(path: Path) -> bool:
    if path.suffix == ".json":
        return {"table", "cells", "plan"} <= _object(read_text(path)).keys()
    text = _text(path)
    return text.startswith("# ") and "\nPublished: " in text


def _cam_figure(path: Path) -> bool:
    check_regular(path)
    return FIGURE_TITLE.encode() in path.read_bytes()


def _safely(known: Callable[[Path], bool]) -> Callable[[Path], bool]:
    def wrote(path: Path) -> bool:
        try:
            return known(path)
        except (OSError, ValueError, LookupError, csv.Error):
            return False

    return wrote


PREDICTIONS = OutputKind((".csv", ".jsonl", ".json", ".parquet"), _safely(_predictions))
SUGGESTIONS = OutputKind((".csv", ".parquet", ".jsonl"), _safely(_suggestions))
FIGURES = OutputKind((".json",), _safely(_figures))
REPORTS = OutputKind((".html", ".htm"), _safely(_report))
PUBLISHED = OutputKind((".md", ".json"), _safely(_table))
CAM_FIGURES = OutputKind(
    (),
    _safely(_cam_figure),
    "Figures that earlier versions of largeloss wrote are not known. ",
)
