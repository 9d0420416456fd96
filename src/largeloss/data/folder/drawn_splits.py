"""Splits where a label file has no column ``split``: images stay where the folder has them."""

import os
from pathlib import Path

import numpy as np

from largeloss.data.dataset import Rows
from largeloss.data.folder.dataset_json import in_order, read_description
from largeloss.data.folder.place import find_label_file
from largeloss.data.stratify import SAME_SPLITS, usual_split
from largeloss.errors import InputError
from largeloss.labels import LabelTable
from largeloss.labels.files.header import check_header, header_of
from largeloss.labels.files.layouts import SPLITS, parse_images
from largeloss.labels.files.raw import RawTable, read_raw
from largeloss.labels.files.read import understood
from largeloss.labels.names import positions_of

Splits = dict[str, Rows]
Notes = tuple[str, ...]


def rows_by_split(names: tuple[str, ...] | None) -> Splits | None:
    """Split → sorted rows, from the split of each image; None where none is named."""
    if names is None:
        return None
    column = np.asarray(names)
    return {name: np.flatnonzero(column == name) for name in SPLITS if name in names}


def drawn_splits(
    root: Path, table: LabelTable, labels: Path | None, unlisted: str | None
) -> tuple[Splits, Notes]:
    """The splits of ``table``, whose file names none, and what to say of them.

    Draws follow the labels. If ``labels`` were read in place of the folder's own label file, which
    names the same images, splits are those of that file: corrected labels move no image from test
    to train. ``unlisted`` is as in :func:`largeloss.labels.read_labels`.

    Raises:
        DataError: there are too few images.
    """
    if labels is None:
        return usual_split(table)
    try:
        own = find_label_file(root)
    except InputError:
        return _drawn_by(labels, table, f"{root} has no label file of its own")
    if os.path.samefile(own, labels):
        return usual_split(table)
    try:
        found = _of_folder(root, own, table, unlisted)
    except InputError:
        found = f"those of {own} cannot be used"
    return _drawn_by(labels, table, found) if isinstance(found, str) else found


def _drawn_by(labels: Path, table: LabelTable, why: str) -> tuple[Splits, Notes]:
    return usual_split(
        table,
        f"The draw follows the labels of {labels}, since {why}: where labels change, images change "
        "their splits. To keep splits, name them in a column 'split'; 'largeloss labels export RUN "
        "--to wide --out NEW.csv' writes those of a run.",
    )


def _of_folder(
    root: Path, own: Path, table: LabelTable, unlisted: str | None
) -> tuple[Splits, Notes] | str:
    """By the folder's ``own`` label file; or why not."""
    raw = read_raw(own)
    check_header(raw)
    header = header_of(raw.header)
    images = parse_images(raw, header.split)
    rows = positions_of(images.names, table.images)
    if len(images.names) != table.num_images or (rows < 0).any():
        return f"{own} names other images"
    named = rows_by_split(images.splits)
    if named is not None and "train" not in named:
        return f"{own} has no image in train"
    if named is not None:
        note = f"No split was given: splits are those of {own}, which names the same images."
        return _moved(named, rows), (note,)
    if header.layout == "list" and unlisted is None:
        return f"{own} lists tags, and nothing says whether others are unknown or absent"
    drawn, notes = usual_split(
        _labels_of(root, raw, unlisted if header.layout == "list" else None),
        f"The draw follows the labels of {own}, which names the same images: no image changes its "
        f"split by --labels. {SAME_SPLITS}",
    )
    return _moved(drawn, rows), notes


def _labels_of(root: Path, raw: RawTable, unlisted: str | None) -> LabelTable:
    table, described = understood(raw, unlisted=unlisted).table, read_description(root)
    return table if described is None else in_order(root, table, described.classes)


def _moved(splits: Splits, rows: Rows) -> Splits:
    """``splits`` of images that have other ``rows``."""
    return {name: np.sort(rows[own]) for name, own in splits.items()}
