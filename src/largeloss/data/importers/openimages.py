"""OpenImages V3: the human annotations of the release 2017_11.

Source: https://github.com/openimages/dataset/blob/main/READMEV3.md
"""

import csv
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from largeloss.data.dataset import Rows
from largeloss.data.importers.imported import Imported
from largeloss.data.importers.official_release import (
    Archive,
    distinct_names,
    find_folder,
    how_to_fetch,
    read_lines,
)
from largeloss.data.importers.openimages_csv import ImageList, format_id, read_annotations
from largeloss.errors import ConfigError, DataError
from largeloss.labels import LabelTable

PUBLISHED = {"val": 41_620, "test": 125_436, "classes": 5_000}
FOLDERS = {"train": "train", "val": "validation", "test": "test"}
"""Split → folder."""
RELEASE = "2017_11"
TRAINABLE = "classes-trainable.txt"
DESCRIPTIONS = "class-descriptions.csv"
IMAGES = "images.csv"
ANNOTATIONS = "annotations-human.csv"

_STORE = f"https://storage.googleapis.com/openimages/{RELEASE}"
_CLASSES = Archive(f"{_STORE}/classes_{RELEASE}.tar.gz", "295 KB")
ARCHIVES = {
    TRAINABLE: _CLASSES,
    DESCRIPTIONS: _CLASSES,
    IMAGES: Archive(f"{_STORE}/images_{RELEASE}.tar.gz", "990 MB"),
    ANNOTATIONS: Archive(f"{_STORE}/annotations_human_{RELEASE}.tar.gz", "137 MB"),
}
"""File → the archive of the release that has it."""


def read(root: Path) -> Imported:
    """Images and human annotations of all three subsets, for the trainable classes.

    A training image without a single label is left out: the release lists 9,011,219, and about 3.4
    million have been looked at by people. ``root`` is the folder ``2017_11`` that the official
    release unpacks to, or the one it is in.

    Returns:
        Confidence 1 is present, 0 absent; everything else, and what is given as both, is
        unobserved. Images are named ``train/<ImageID>.jpg``, ``validation/…`` and ``test/…``, in
        the order of ``images.csv``; these folders are looked for in ``root``, and where it has no
        ``train``, beside the lists.

    Raises:
        DataError: files are missing or cannot be understood, or do not fit together.
    """
    folder = _find_folder(root)
    listed = f"{folder / TRAINABLE}, line"
    classes = tuple(distinct_names(read_lines(folder / TRAINABLE), listed, inside=False))
    trainable = set(classes)
    others = [name for name in _read_described(folder) if name not in trainable]
    lists = {split: ImageList.read(folder / name / IMAGES) for split, name in FOLDERS.items()}
    _check_apart(folder, lists)
    found = {
        split: read_annotations(folder / name / ANNOTATIONS, lists[split], classes, others)
        for split, name in FOLDERS.items()
    }
    ids = {split: images.ids for split, images in lists.items()}
    packed = {split: entries for split, (entries, _) in found.items()}
    notes = _notes(sum((counts for _, counts in found.values()), Counter()))
    del lists, found
    total = len(ids["train"])
    ids["train"], packed["train"] = _only_annotated(ids["train"], packed["train"], len(classes))
    if not len(ids["train"]):
        raise DataError(f"{folder}: not one training image has a label of these classes.")
    if left_out := total - len(ids["train"]):
        notes.append(
            f"{left_out} of {total} training images have no label of these classes and are left "
            "out."
        )
    table, splits = _join(ids, packed, classes)
    return Imported(
        name="openimages-v3",
        table=table,
        splits=splits,
        image_root=root if (root / FOLDERS["train"]).is_dir() else folder,
        published=PUBLISHED,
        notes=tuple(notes),
    )


def groups(train_counts: NDArray[np.int64], num_groups: int = 5) -> NDArray[np.int64]:
    """The group (C,) of each class, from 0: G1 of the paper is group 0, the rarest classes.

    ``train_counts`` (C,) are the annotations, present or absent, that a class has in train. Groups
    are of equal size, or the first ones larger by one; classes with equal counts stay in order.

    Raises:
        ConfigError: there are fewer classes than groups, or no group.
    """
    if not 1 <= num_groups <= len(train_counts):
        raise ConfigError(
            f"{num_groups} groups of {len(train_counts)} classes cannot be formed. Needed: at "
            "least one group, and a class for each."
        )
    result = np.empty(len(train_counts), dtype=np.int64)
    order = np.argsort(train_counts, kind="stable")
    for number, members in enumerate(np.array_split(order, num_groups)):
        result[members] = number
    return result


def _find_folder(root: Path) -> Path:
    """The folder with the lists: ``root/2017_11`` or ``root``; all the files are in it."""
    files = [f"{folder}/{name}" for folder in FOLDERS.values() for name in (IMAGES, ANNOTATIONS)]
    files += [TRAINABLE, DESCRIPTIONS]
    folder, absent = find_folder((root / RELEASE, root), files)
    if absent:
        archives = sorted({ARCHIVES[name.rsplit("/", 1)[-1]] for name in absent})
        raise DataError(
            f"{folder} lacks {len(absent)} of the {len(files)} files of OpenImages V3: "
            f"{', '.join(absent)}. {how_to_fetch(archives, root)}"
        )
    return folder


def _read_described(folder: Path) -> list[str]:
    """The ids of all classes that have a description, in the order of the file."""
    path = folder / DESCRIPTIONS
    found: dict[str, None] = {}
    rows = csv.reader(read_lines(path), strict=True)
    try:
        for row in rows:
            if not row:
                continue
            where = f"{path}, line {rows.line_num}"
            if len(row) != 2 or not row[0]:
                raise DataError(f"{where}: needed is 'id,description', got {len(row)} fields.")
            if row[0] in found:
                raise DataError(f"{where}: {row[0]!r} is described twice.")
            found[row[0]] = None
    except csv.Error as error:
        raise DataError(f"{path}, line {rows.line_num}: this is no CSV ({error}).") from None
    return list(found)


def _check_apart(folder: Path, lists: Mapping[str, ImageList]) -> None:
    """Refuses lists of which two have an image in common."""
    for first, second in (("train", "val"), ("train", "test"), ("val", "test")):
        both = np.flatnonzero(lists[first].rows_of(lists[second].ids) >= 0)
        if both.size:
            raise DataError(
                f"{folder}: {both.size} images are both in {FOLDERS[first]}/{IMAGES} and in "
                f"{FOLDERS[second]}/{IMAGES}, for example "
                f"{format_id(int(lists[second].ids[both[0]]))!r}. Unpack the files again."
            )


def _only_annotated(
    ids: NDArray[np.uint64], packed: NDArray[np.int64], num_classes: int
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Ids and entries without the images that have no entry; the entries are renumbered."""
    rows, rest = np.divmod(packed, 2 * num_classes)
    used = np.zeros(len(ids), dtype=np.bool_)
    used[rows] = True
    renumbered = np.cumsum(used) - 1
    return ids[used], renumbered[rows] * (2 * num_classes) + rest


def _join(
    ids: Mapping[str, NDArray[np.uint64]],
    packed: Mapping[str, NDArray[np.int64]],
    classes: tuple[str, ...],
) -> tuple[LabelTable, dict[str, Rows]]:
    """The table and the splits, one after another; rows of ``packed`` count from 0 in each."""
    splits: dict[str, Rows] = {}
    images: list[str] = []
    entries = []
    for split, numbers in ids.items():
        entries.append(packed[split] + len(images) * 2 * len(classes))
        splits[split] = np.arange(len(numbers), dtype=np.int64) + len(images)
        images += [f"{FOLDERS[split]}/{format_id(number)}.jpg" for number in numbers.tolist()]
    keys = np.concatenate(entries)
    entries.clear()
    states = (keys & 1).astype(np.int8)
    keys >>= 1
    rows, columns = np.divmod(keys, len(classes))
    del keys
    table = LabelTable.from_entries(rows, columns, states, images=images, classes=classes)
    return table, splits


def _notes(counts: Counter[str]) -> list[str]:
    cases = {
        "other": f"of {counts['lines']} annotations are of classes that are not trainable and are "
        "ignored.",
        "unsure": "annotations have a confidence that is neither 0 nor 1; they count as "
        "unobserved.",
        "both": "labels are given both as present and as absent; they count as unobserved.",
    }
    return [f"{counts[kind]} {text}" for kind, text in cases.items() if counts[kind]]
