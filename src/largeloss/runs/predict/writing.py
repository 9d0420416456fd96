"""Predictions as one file: CSV, JSON lines, JSON or Parquet."""

import csv
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import TextIO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from largeloss.errors import ConfigError, Interrupted
from largeloss.files import written_atomically
from largeloss.labels.files.spreadsheet import spreadsheet_cell
from largeloss.runs.predict.predictions import (
    Prediction,
    Predictions,
    ScoredBatch,
    columns_of,
    none_readable,
)
from largeloss.runs.predict.targets import (
    SKIPPED_HEADER,
    check_file,
    is_skipped_list,
    nothing_kept,
    skipped_list,
)
from largeloss.training.signals import StopRequests

DIGITS = 6
"""After the point, of probabilities."""
_FIRST = 5  # predictions that are returned after writing
REASONS = 10
"""So many are returned of why images cannot be read."""
_GROUP_CELLS, _GROUP_ROWS = 1 << 21, 1 << 13  # of a group of rows of Parquet, at most

Batches = Iterator[ScoredBatch]


@dataclass
class Written:
    """What was written."""

    images: int = 0
    """Scored."""
    skipped: int = 0
    """That cannot be read."""
    new: int = 0
    """Looked at in this call."""
    first: list[Prediction] = field(default_factory=list)
    """A few."""
    reasons: list[str] = field(default_factory=list)
    """Why images cannot be read, of a few."""


def check_names(suffix: str, classes: Sequence[str]) -> None:
    """Makes sure that every class can have a column.

    Raises:
        ConfigError: a class is called as another column of the table.
    """
    taken = sorted({"image", "tags"} & set(classes)) if suffix in (".csv", ".parquet") else []
    if taken:
        raise ConfigError(
            f"The table has columns image and tags beside one per class, and a class is called "
            f"{taken[0]!r}. Write .jsonl."
        )


def write_predictions(predictions: Predictions, path: Path) -> Written:
    """Writes ``.csv``, ``.jsonl``, ``.json`` or ``.parquet``; the file appears when it is complete.

    One line per image: its name, its tags (most probable first) and one probability per class, to
    six digits. In JSON they are ``image``, ``tags`` and ``scores`` by class, in CSV and Parquet
    columns ``image``, ``tags`` and one per class. CSV is for people: text that a spreadsheet would
    take for a formula (names that begin with ``=``, ``+``, ``-`` or ``@``) has an apostrophe before
    it, and tags are joined by semicolons. Bytes of a file's name that are no UTF-8 are written as
    ``\\udcff``. Images that cannot be read are listed in a second file, see :func:`skipped_list`.

    Raises:
        ConfigError: it cannot be written there.
        DataError: an image cannot be read and is not to be left out; or none can.
        RunError: the file cannot be written, or scoring failed.
        Interrupted: SIGINT or SIGTERM asked to stop; nothing is kept.
    """
    check_file(path, predictions.bad_images)
    check_names(path.suffix, predictions.classes)
    every = range(len(predictions))
    return write_rows(predictions, every, path, skipped_list(path), nothing_kept(path))


def write_rows(
    predictions: Predictions, rows: range, path: Path, skipped: Path, kept: str
) -> Written:
    """Writes the predictions for some rows, and first the list of those that cannot be read.

    An earlier list is removed where all can be. ``kept`` says what is kept where a signal asks to
    stop.

    Raises:
        DataError, RunError, Interrupted: as :func:`write_predictions`.
    """
    written, classes, requests = Written(new=len(rows)), predictions.classes, StopRequests()
    with (
        requests.listening(),
        written_atomically(path) as partial,
        TemporaryFile("w+", encoding="utf-8", errors="backslashreplace", newline="") as listed,
    ):
        batches = _until(requests, kept, predictions.batches(rows))
        batches = _noted(batches, classes, written, listed)
        if path.suffix == ".parquet":
            _write_parquet(partial, classes, batches, predictions.forward.name)
        else:
            with partial.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
                _TEXTS[path.suffix](file, classes, batches)
        if len(rows) == len(predictions) and not written.images:
            raise none_readable(len(predictions), written.reasons)
        if written.skipped:
            listed.seek(0)
            with (
                written_atomically(skipped) as list_partial,
                list_partial.open("w", encoding="utf-8", newline="") as copy,
            ):
                shutil.copyfileobj(listed, copy)
        elif is_skipped_list(skipped):
            skipped.unlink()
    return written


def _until(requests: StopRequests, kept: str, batches: Batches) -> Batches:
    """Passes on ``batches`` until a signal asks to stop."""
    for batch in batches:
        if requests.number:
            raise Interrupted(requests.number, kept)
        yield batch


def _noted(batches: Batches, classes: Sequence[str], written: Written, listed: TextIO) -> Batches:
    """Passes on ``batches``; notes what they hold, and lists what cannot be read."""
    lines = csv.writer(listed)
    for batch in batches:
        if batch.skipped and not written.skipped:
            lines.writerow(SKIPPED_HEADER.split(","))
        for image, reason in batch.skipped.items():
            where = str(Path(image).absolute())  # so that the list can be given to --list
            lines.writerow(map(spreadsheet_cell, (where, reason)))
            written.reasons += [reason] * (len(written.reasons) < REASONS)
        if len(written.first) < _FIRST:
            written.first = [*written.first, *batch.predictions(classes)][:_FIRST]
        written.images += len(batch.images)
        written.skipped += len(batch.skipped)
        yield batch


def _rounded(batch: ScoredBatch) -> NDArray[np.float64]:
    return batch.scores.round(DIGITS)


def _write_csv(file: TextIO, classes: Sequence[str], batches: Batches) -> None:
    lines = csv.writer(file)
    lines.writerow(["image", "tags", *map(spreadsheet_cell, classes)])
    for batch in batches:
        for image, tags, scores in zip(
            batch.images, batch.tags(classes), _rounded(batch).tolist(), strict=True
        ):
            lines.writerow([*map(spreadsheet_cell, (image, ";".join(tags))), *scores])


def _records(classes: Sequence[str], batches: Batches) -> Iterator[str]:
    for batch in batches:
        for image, tags, scores in zip(
            batch.images, batch.tags(classes), _rounded(batch).tolist(), strict=True
        ):
            by_class = dict(zip(classes, scores, strict=True))
            record = {"image": image, "tags": tags, "scores": by_class}
            yield json.dumps(record, ensure_ascii=False)


def _write_jsonl(file: TextIO, classes: Sequence[str], batches: Batches) -> None:
    file.writelines(f"{record}\n" for record in _records(classes, batches))


def _write_json(file: TextIO, classes: Sequence[str], batches: Batches) -> None:
    between = "[\n"
    for record in _records(classes, batches):
        file.write(between + record)
        between = ",\n"
    file.write("[]\n" if between == "[\n" else "\n]\n")


_TEXTS = {".csv": _write_csv, ".jsonl": _write_jsonl, ".json": _write_json}


def _write_parquet(path: Path, classes: Sequence[str], batches: Batches, by: str) -> None:
    schema = columns_of(classes).with_metadata({"computed by": by})
    most = max(1, min(_GROUP_CELLS // len(classes), _GROUP_ROWS))
    waiting: list[pa.Table] = []
    with parquet.ParquetWriter(path, schema, write_page_checksum=True) as file:
        for batch in batches:
            waiting.append(batch.to_arrow(classes, DIGITS).cast(schema))
            if sum(table.num_rows for table in waiting) >= most:
                file.write_table(pa.concat_tables(waiting))
                waiting.clear()
        if waiting:
            file.write_table(pa.concat_tables(waiting))
