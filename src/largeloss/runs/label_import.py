"""What comes back from other programs, as label edits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from largeloss.data.exchange.coco import read_coco
from largeloss.data.exchange.huggingface import read_huggingface
from largeloss.data.exchange.label_studio import read_label_studio
from largeloss.data.folder.place import find_label_file
from largeloss.errors import LabelError
from largeloss.labels import LabelEdits, LabelTable, read_labels
from largeloss.labels.entries import Ints, States
from largeloss.labels.files.header import header_of
from largeloss.labels.files.raw import read_header, read_raw
from largeloss.labels.names import first_names, positions_of
from largeloss.runs.filled_suggestions import COLUMNS, read_filled_suggestions
from largeloss.runs.label_export import check_format, read_labels_of
from largeloss.training.run_folder import is_run

LABEL_FILES = ("wide", "long", "parquet")
"""Formats that are label files, whatever their layout."""
FILLED = "suggestions"
"""The format of a file of suggestions that somebody has filled in."""


@dataclass(frozen=True)
class ImportedEdits:
    """What a file says otherwise than the labels that it was compared with."""

    edits: LabelEdits
    notes: tuple[str, ...]
    """What was left out, in sentences for the user."""


@dataclass(frozen=True)
class _Told:
    """M labels by name, with who gave them and when; -1 is unsure."""

    images: list[str]
    classes: list[str]
    states: States
    authors: list[str]
    times: list[str]


def import_edits(
    path: Path, base: Path, kind: str, *, unlisted: str | None = None
) -> ImportedEdits:
    """Reads labels in one of the :data:`.SUFFIXES`, or :data:`FILLED`, as edits of ``base``'s.

    What the file leaves unobserved changes nothing: nobody said anything there.

    Args:
        path: The file.
        base: A run folder, a data folder or a label file.
        kind: The format.
        unlisted: Of whichever has lists of tags.

    Raises:
        ConfigError: another format.
        DataError, LabelError: a file cannot be read; they have no image or class in common; the
            file says nothing new.
    """
    check_format(kind, FILLED)
    if not base.exists():
        raise LabelError(f"{base}: there is no such file or folder.")
    own = unlisted if kind in LABEL_FILES and _lists(path) else None
    if own is not None and not _lists(_label_file_of(base)):
        unlisted = None  # it is said of the file alone
    if base.is_dir():
        known = read_labels_of(base, unlisted).table
    else:
        known = read_labels(base, unlisted=unlisted).table
    told = _answers(path) if kind == "label-studio" else _labels(path, kind, own)
    if not told.images:
        raise LabelError(f"{path} says of no image whether a class is there. Nothing was written.")
    rows, columns = (
        positions_of(told.images, known.images),
        positions_of(told.classes, known.classes),
    )
    if not ((rows >= 0) & (columns >= 0)).any():
        raise LabelError(
            f"{path} and {base} have no label in common: the file is about images such as "
            f"{first_names(dict.fromkeys(told.images))} and classes such as "
            f"{first_names(dict.fromkeys(told.classes))}; known are images such as "
            f"{first_names(known.images)} and classes such as {first_names(known.classes)}."
        )
    notes = _unknown(told.images, rows, "images", base) + _unknown(
        told.classes, columns, "classes", base
    )
    if unsure := int((told.states < 0).sum()):
        notes.append(f"Answers that are 'unsure', and change nothing: {unsure}.")
    edits = _differences(told, rows, columns, known, path)
    if not len(edits):
        raise LabelError(f"{path} says nothing that {base} does not say. Nothing was written.")
    return ImportedEdits(edits, tuple(notes))


def _answers(path: Path) -> _Told:
    """Of annotators, each an author."""
    given = sorted(read_label_studio(path), key=lambda one: one.time)  # the latest word counts
    authors = [":".join(filter(None, ("import", "label-studio", one.annotator))) for one in given]
    return _Told(
        [one.image for one in given],
        [one.class_name for one in given],
        np.array([one.state for one in given], dtype=np.int8),
        authors,
        [one.time for one in given],
    )


def _lists(path: Path | None) -> bool:
    """Whether a label file has a list of tags for each image."""
    return path is not None and header_of(read_header(path)).layout == "list"


def _label_file_of(base: Path) -> Path | None:
    """That is read of ``base``; None of a run, which was told what it lists."""
    if base.is_dir():
        return None if is_run(base) else find_label_file(base)
    return base


def _labels(path: Path, kind: str, unlisted: str | None) -> _Told:
    """The observed labels of a file."""
    readers: dict[str, Callable[[Path], LabelTable]] = {
        "coco": read_coco,
        "huggingface": read_huggingface,
        FILLED: read_filled_suggestions,
    }
    table = readers[kind](path) if kind in readers else _label_file(path, unlisted)
    rows, columns, states = table.entries()
    images = [table.images[row] for row in rows.tolist()]
    classes = [table.classes[column] for column in columns.tolist()]
    now, size = datetime.now(UTC).isoformat(timespec="seconds"), len(images)
    return _Told(images, classes, states, [f"import:{kind}"] * size, [now] * size)


def _label_file(path: Path, unlisted: str | None) -> LabelTable:
    try:
        return read_labels(path, unlisted=unlisted).table
    except LabelError:
        if set(COLUMNS) <= set(read_raw(path).header):
            raise LabelError(
                f"{path} has the columns of suggestions, and no labels that can be read: say "
                f"--from {FILLED}."
            ) from None
        raise


def _differences(
    told: _Told, rows: Ints, columns: Ints, known: LabelTable, path: Path
) -> LabelEdits:
    """All answers to the entries that have a new answer."""
    chosen = np.flatnonzero((rows >= 0) & (columns >= 0) & (told.states >= 0))
    rows, columns, states = rows[chosen], columns[chosen], told.states[chosen]
    before = known.at(rows, columns)
    keys = rows * known.num_classes + columns
    new = np.flatnonzero(np.isin(keys, keys[before != states]))
    return LabelEdits.of(
        images=known.images,
        classes=known.classes,
        rows=rows[new],
        columns=columns[new],
        before=before[new],
        after=states[new],
        author=[told.authors[place] for place in chosen[new].tolist()],
        time=[told.times[place] for place in chosen[new].tolist()],
        reason=f"imported from {path.name}",
    )


def _unknown(names: Sequence[str], places: Ints, kind: str, base: Path) -> list[str]:
    strange = dict.fromkeys(name for name, place in zip(names, places, strict=True) if place < 0)
    if not strange:
        return []
    shown = first_names(strange)
    return [f"Left out are labels of {kind} that {base} does not have ({len(strange)}): {shown}."]
