"""OpenImages V3: the human annotations of the release 2017_11.

Source: https://github.com/openimages/dataset/blob/main/READMEV3.md
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from largeloss.data.importers.imported import Imported
from largeloss.data.importers.openimages_annotations import Annotations, read_annotations
from largeloss.data.importers.openimages_csv import ImageList
from largeloss.data.importers.openimages_join import check_apart, join_subsets, only_annotated
from largeloss.data.importers.openimages_lists import (
    ANNOTATIONS,
    IMAGES,
    SUBSETS,
    find_folder,
    read_descriptions,
    read_trainable,
)
from largeloss.errors import ConfigError, DataError

PUBLISHED = {"val": 41_620, "test": 125_436, "classes": 5_000}


def read(root: Path, classes: Sequence[str] | None = None) -> Imported:
    """Images and human annotations of all three subsets.

    A training image without a single label, of the classes that are read, is left out: the owners
    list 9,011,219, and about 3.4 million have been looked at by people.

    Args:
        root: The folder ``2017_11`` that the owners' archives unpack to, or the one it is in.
        classes: Ids such as ``/m/01g317``, in this order; by default the trainable classes.

    Returns:
        Confidence 1 is present, 0 absent; everything else, and what is given as both, is
        unobserved. Images are named ``train/<ImageID>.jpg``, ``validation/…`` and ``test/…``, in
        the order of ``images.csv``; these folders are looked for in ``root``, and where it has no
        ``train``, beside the lists.

    Raises:
        DataError: files are missing or cannot be understood, or do not fit together.
    """
    root = Path(root)
    folder = find_folder(root)
    trainable, described = read_trainable(folder), read_descriptions(folder)
    wanted = trainable if classes is None else tuple(classes)
    known = dict.fromkeys([*trainable, *described])
    _check_classes(wanted, known)
    others = [name for name in known if name not in set(wanted)]
    lists = {split: ImageList.read(folder / subset / IMAGES) for split, subset in SUBSETS.items()}
    check_apart(folder, lists)
    found = {
        split: read_annotations(folder / subset / ANNOTATIONS, lists[split], wanted, others)
        for split, subset in SUBSETS.items()
    }
    ids = {split: images.ids for split, images in lists.items()}
    lists.clear()
    notes = _notes(found, classes is None)
    packed = {split: annotations.packed for split, annotations in found.items()}
    found.clear()
    total = len(ids["train"])
    ids["train"], packed["train"] = only_annotated(ids["train"], packed["train"], len(wanted))
    if not len(ids["train"]):
        raise DataError(f"{folder}: not one training image has a label of these classes.")
    if left_out := total - len(ids["train"]):
        notes.append(
            f"{left_out} of {total} training images have no label of these classes and are left "
            "out."
        )
    published = PUBLISHED if classes is None else {k: PUBLISHED[k] for k in ("val", "test")}
    table, splits = join_subsets(ids, packed, wanted)
    return Imported(
        name="openimages-v3",
        table=table,
        splits=splits,
        image_root=root if (root / SUBSETS["train"]).is_dir() else folder,
        published=published,
        notes=tuple(notes),
    )


def descriptions(root: Path) -> dict[str, str]:
    """Class id → what it means in English, for all 19,995 classes.

    Raises:
        DataError: files are missing or cannot be understood.
    """
    return read_descriptions(find_folder(Path(root)))


def groups(train_counts: NDArray[np.int64], num_groups: int = 5) -> NDArray[np.int64]:
    """The group (C,) of each class, from 0: G1 of the paper is group 0, the rarest classes.

    Args:
        train_counts: (C,) how many annotations, present or absent, a class has in train.
        num_groups: Groups are of equal size, or the first ones larger by one; classes with equal
            counts stay in their order.

    Raises:
        ConfigError: there are fewer classes than groups, or no group.
    """
    if not 1 <= num_groups <= len(train_counts):
        raise ConfigError(
            f"{num_groups} groups of {len(train_counts)} classes cannot be made. Needed: at least "
            "one group, and a class for each."
        )
    result = np.empty(len(train_counts), dtype=np.int64)
    order = np.argsort(train_counts, kind="stable")
    for number, members in enumerate(np.array_split(order, num_groups)):
        result[members] = number
    return result


def _check_classes(wanted: Sequence[str], known: Mapping[str, None]) -> None:
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted or len(set(wanted)) < len(wanted):
        problem = (
            f"{len(unknown)} of the classes are unknown: {', '.join(map(repr, unknown[:3]))}"
            if unknown
            else "No class is given, or one is given twice"
        )
        raise DataError(
            f"{problem}. Needed are distinct ids of class-descriptions.csv, such as "
            f"{next(iter(known))!r}."
        )


def _notes(found: Mapping[str, Annotations], all_trainable: bool) -> list[str]:
    lines = sum(part.num_lines for part in found.values())
    other = sum(part.num_other for part in found.values())
    unsure = sum(part.num_unsure for part in found.values())
    contradictions = sum(part.num_contradictions for part in found.values())
    kind = "that are not trainable" if all_trainable else "that were not asked for"
    notes = []
    if other:
        notes.append(f"{other} of {lines} annotations are of classes {kind} and are ignored.")
    if unsure:
        notes.append(
            f"{unsure} annotations have a confidence that is neither 0 nor 1; they count as "
            "unobserved."
        )
    if contradictions:
        notes.append(
            f"{contradictions} labels are given both as present and as absent; they count as "
            "unobserved."
        )
    return notes
