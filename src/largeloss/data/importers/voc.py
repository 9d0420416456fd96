"""Pascal VOC 2007 and 2012, as the organisers' archives unpack.

Source: http://host.robots.ox.ac.uk/pascal/VOC/ ; the lists are ``ImageSets/Main/*.txt``, the
labels ``Annotations/*.xml``. Protocol: file names sorted; a class is present where at least one
object of it is not difficult; images without a present class are left out.
"""

import os
from pathlib import Path

import numpy as np

from largeloss.data.importers.imported import Boxes, Imported
from largeloss.data.importers.parts import Part, join_parts, without_unlabelled
from largeloss.data.importers.voc_tree import ARCHIVES, Archive, find_folder, read_list
from largeloss.data.importers.voc_xml import CLASSES, Thing, read_annotation
from largeloss.errors import ConfigError, DataError

SHOWN = 10
"""So many problems are told at once."""


def read(root: Path, year: int) -> Imported:
    """Images, labels and boxes of a VOC tree.

    Args:
        root: ``VOCdevkit``, ``VOCdevkit/VOC2012`` or the folder that contains ``VOCdevkit``.
        year: 2012 (train is the official train, test the official val) or 2007 (train is the
            official trainval, test the official test).

    Returns:
        Images are named by their file in ``JPEGImages``. Difficult objects are no labels, but
        stay among the boxes of the images that are kept.

    Raises:
        ConfigError: another year.
        DataError: something is missing or cannot be understood; the message names the files.
    """
    if year not in ARCHIVES:
        raise ConfigError(f"VOC is read for 2007 and 2012, got {year!r}.")
    folder = find_folder(root, year)
    names = {split: read_list(folder, archive, year) for split, archive in ARCHIVES[year].items()}
    if both := set(names["train"]) & set(names["test"]):
        lists = " and ".join(f"{archive.image_list}.txt" for archive in ARCHIVES[year].values())
        raise DataError(
            f"{folder}: {len(both)} images are in {lists}, for example {min(both)!r}. Train and "
            "test must not overlap; fetch the lists anew."
        )
    for split, archive in ARCHIVES[year].items():
        _check_all_there(folder / "Annotations", names[split], archive)
    parts, notes = {}, []
    for split, archive in ARCHIVES[year].items():
        whole = _read_part(folder, names[split], archive)
        parts[split] = part = without_unlabelled(whole)
        if not len(part.images):
            raise DataError(
                f"{folder}: no image of {archive.image_list}.txt has an object that is not "
                "difficult. At least one is needed."
            )
        if left_out := len(whole.images) - len(part.images):
            notes.append(
                f"{left_out} of {len(whole.images)} images of the official {archive.image_list} "
                "list have no object, or difficult ones only, and are left out."
            )
    table, splits, boxes = join_parts(parts, CLASSES)
    notes.append(
        f"{int(boxes.difficult.sum())} of {len(boxes.rows)} objects are marked difficult: they "
        "make no label, but stay among the boxes."
    )
    published = {split: archive.size for split, archive in ARCHIVES[year].items()}
    return Imported(
        name=f"voc{year}",
        table=table,
        splits=splits,
        image_root=folder / "JPEGImages",
        boxes=boxes,
        published={**published, "classes": len(CLASSES)},
        notes=tuple(notes),
    )


def _read_part(folder: Path, names: list[str], archive: Archive) -> Part:
    annotations = folder / "Annotations"
    things: list[tuple[int, Thing]] = []
    problems: list[str] = []
    for row, name in enumerate(names):
        try:
            things += [(row, thing) for thing in read_annotation(annotations / f"{name}.xml")]
        except DataError as error:
            problems.append(str(error))
            if len(problems) == SHOWN:
                break
    if problems:
        count = f"{SHOWN} or more" if len(problems) == SHOWN else len(problems)
        raise DataError(
            f"Annotations of the {archive.image_list} list that cannot be used: {count}.\n"
            + "\n".join(problems)
        )
    rows = np.array([row for row, _ in things], dtype=np.int64)
    columns = np.array([thing.column for _, thing in things], dtype=np.int32)
    corners = np.array([thing.corners for _, thing in things], dtype=np.float32)
    difficult = np.array([thing.difficult for _, thing in things], dtype=np.bool_)
    labels = np.zeros((len(names), len(CLASSES)), dtype=np.int8)
    labels[rows[~difficult], columns[~difficult]] = 1
    boxes = Boxes(rows, columns, corners.reshape(-1, 4), difficult)
    return Part([f"{name}.jpg" for name in names], labels, boxes)


def _check_all_there(annotations: Path, names: list[str], archive: Archive) -> None:
    try:
        there = set(os.listdir(annotations))
    except OSError as error:
        raise DataError(f"{annotations}: cannot be read ({error.strerror}).") from None
    missing = [f"{name}.xml" for name in names if f"{name}.xml" not in there]
    if missing:
        shown = ", ".join(missing[:SHOWN]) + (", …" if len(missing) > SHOWN else "")
        raise DataError(
            f"{annotations}: {len(missing)} of {len(names)} annotations of the "
            f"{archive.image_list} list are missing: {shown}. They are in {archive.file}; "
            "unpack it over this tree."
        )
