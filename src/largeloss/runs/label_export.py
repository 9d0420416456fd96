"""Labels of a run or a data folder, written for other programs."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from largeloss.data.dataset import Rows
from largeloss.data.exchange.coco import write_coco
from largeloss.data.exchange.huggingface import write_huggingface
from largeloss.data.exchange.label_studio import (
    LOCAL_FILES,
    ModelSays,
    write_label_studio,
)
from largeloss.data.folder.labels_and_splits import Records, read_records
from largeloss.errors import ConfigError, DataError
from largeloss.labels import LabelTable, write_labels
from largeloss.labels.edit_fit import REVIEWERS, fit, written_by
from largeloss.labels.edited_copies import Applied, check_new_file
from largeloss.labels.names import positions_of
from largeloss.runs.label_edits import read_source
from largeloss.training.run_folder import is_run

TABLES = (".csv", ".parquet")
SUFFIXES = {
    "wide": TABLES,
    "long": TABLES,
    "parquet": (".parquet",),
    "coco": (".json",),
    "label-studio": (".json",),
    "huggingface": (".jsonl",),
}
"""Format → how its files end."""
_CHANGED = (
    "Splits are not written: those of the run were drawn by labels that have changed since, so "
    "that nothing tells which they were."
)


class Exported(NamedTuple):
    """What was written."""

    files: list[Path]
    applied: Applied | None
    """What became of the edits of a run."""
    notes: tuple[str, ...]
    """What to know of the splits."""


def export(
    source: Path,
    kind: str,
    out: Path,
    *,
    authors: tuple[str, ...] = (),
    unlisted: str | None = None,
    prefix: str = LOCAL_FILES,
) -> Exported:
    """Writes the labels of a data folder, or those of a run with the answers of its reviewers.

    Splits are written where the format has them: those that a data folder names, and all of a run,
    also where they were drawn.

    Args:
        source: A data folder or a run folder.
        kind: A format of ``SUFFIXES``. For Label Studio the model of a run is asked, too.
        out: A new file.
        authors: Of a run: whose edits are made; by default reviewers'.
        unlisted: Of a data folder with lists of tags.
        prefix: For Label Studio: what the addresses of images begin with.

    Raises:
        ConfigError: another format or suffix, or ``out`` exists.
        LabelError: the labels cannot be read, or not be said in this format.
        DataError: as of :func:`.read_records`.
    """
    check_format(kind)
    beside = [out.with_suffix(".xml")] if kind == "label-studio" else []
    check_new_file(out, SUFFIXES[kind], *beside)
    records, of_run = read_labels_of(source, unlisted), is_run(source)
    table, applied = records.table, None
    if of_run:
        found = read_source(source)
        if not authors and written_by(found.edits, REVIEWERS).any():
            authors = (REVIEWERS,)
        if authors:
            edits = found.by(authors)
            made = fit(table, edits)
            table = table.replace(made.rows, made.columns, made.states)
            applied = Applied(edits, made.verdicts, len(made.rows))
    elif authors:
        raise ConfigError(f"{source} is no run and has no edits. Leave --from out.")
    splits, notes = _splits_of_run(source, records) if of_run else (records.splits, ())
    names = _split_names(records, splits)
    if kind == "coco":
        write_coco(out, table, names)
    elif kind == "huggingface":
        write_huggingface(out, table, names)
    elif kind == "label-studio":
        model = model_says(source, table) if of_run else None
        write_label_studio(out, table, model, prefix)
    else:
        write_labels(out, table, splits=names, layout="long" if kind == "long" else "wide")
    return Exported([out, *beside], applied, notes)


def model_says(run: Path, table: LabelTable) -> ModelSays:
    """Probabilities of the images in the splits of a run, for the classes of ``table``."""
    import torch  # slow to import, as the two that follow; only runs need them

    from largeloss.runs.opened import open_run
    from largeloss.training.engine import score

    opened = open_run(run)
    model, images = opened.model, opened.dataset.labels.images
    logits = score(model.network, opened.loader("all")).logits
    places = positions_of(table.classes, model.classes)
    known = np.flatnonzero(places >= 0)
    limits = np.array([2 if one is None else one for one in model.thresholds.values()])
    thresholds = np.full(table.num_classes, np.nan)
    thresholds[known] = limits[places[known]]
    used = np.sort(np.concatenate(list(opened.dataset.splits.values())))
    rows = positions_of([images[row] for row in used.tolist()], table.images)
    chances = model.scores(torch.as_tensor(logits)).numpy()
    probabilities: dict[int, NDArray[np.float64]] = {}
    for row, own in zip(rows.tolist(), chances, strict=True):
        probabilities[row] = np.full(table.num_classes, np.nan)
        probabilities[row][known] = own[places[known]]
    return ModelSays(probabilities, thresholds)


def check_format(kind: str, *more: str) -> None:
    """Refuses formats that are none of ``SUFFIXES`` and no ``more`` with a ConfigError."""
    if kind not in (known := (*SUFFIXES, *more)):
        raise ConfigError(f"There is no format {kind!r}; there are {', '.join(known)}.")


def read_labels_of(source: Path, unlisted: str | None) -> Records:
    """The labels of a data folder, or those that a run was trained with, as they are given.

    Raises:
        ConfigError: a run of the digit scenes.
        DataError, LabelError: they cannot be read.
    """
    if not is_run(source):
        return read_records(source, unlisted=unlisted)
    from largeloss.runs.data import check_there
    from largeloss.runs.settings import saved_settings

    settings = saved_settings(source)
    check_there(settings)
    data = settings.data
    if data.path is None:
        raise ConfigError(f"{source} was trained on the digit scenes, which have no label file.")
    return read_records(data.path, unlisted=unlisted or data.unlisted, labels=data.labels)


def _splits_of_run(
    run: Path, records: Records
) -> tuple[Mapping[str, Rows] | None, tuple[str, ...]]:
    """All splits of a run, and what to say of them.

    Where labels have changed, a draw by them is not the one that the run was trained on.
    """
    from largeloss.runs.data import with_hidden_labels
    from largeloss.runs.seen_in_training import has_changed
    from largeloss.runs.settings import saved_settings

    settings = saved_settings(run)
    own, left_out = settings.data, settings.data.bad_images == "skip"
    try:
        dataset = records.labels_only().with_splits()
    except DataError:  # none can be drawn by the labels as they are now
        return None, (_CHANGED,)
    if records.splits is None and not left_out:  # which images a run has left out is not known here
        now = with_hidden_labels(settings, dataset.with_classes(own.classes))
        if has_changed(run, now):
            return None, (_CHANGED,)
    return dataset.splits, ()


def _split_names(records: Records, splits: Mapping[str, Rows] | None) -> list[str] | None:
    if splits is None:
        return None
    names = np.full(records.table.num_images, "", dtype=object)
    for split, rows in splits.items():
        names[rows] = split
    return [str(name) for name in names]
