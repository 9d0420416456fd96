"""Pascal VOC 2007 and 2012, as the archives of the official release unpack.

Source: http://host.robots.ox.ac.uk/pascal/VOC/ ; the lists are ``ImageSets/Main/*.txt``, the
labels ``Annotations/*.xml``. Protocol: file names sorted; a class is present where at least one
object of it is not difficult; images without a present class are left out.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from largeloss.data.folder.boxes import Boxes
from largeloss.data.importers.imported import Imported, Subset
from largeloss.data.importers.official_release import (
    Archive,
    distinct_names,
    find_folder,
    how_to_fetch,
    read_lines,
)
from largeloss.data.importers.voc_xml import CLASSES, Object, read_annotation
from largeloss.errors import ConfigError, DataError
from largeloss.labels.names import first_names

SHOWN = 10
"""So many problems are reported at once."""

_RELEASE = "http://host.robots.ox.ac.uk/pascal/VOC"
_TRAINVAL_2007 = Archive(f"{_RELEASE}/voc2007/VOCtrainval_06-Nov-2007.tar", "450 MB")
_TEST_2007 = Archive(f"{_RELEASE}/voc2007/VOCtest_06-Nov-2007.tar", "430 MB")
_TRAINVAL_2012 = Archive(f"{_RELEASE}/voc2012/VOCtrainval_11-May-2012.tar", "2 GB")


LISTS: Mapping[int, Mapping[str, tuple[str, Archive, int]]] = {
    2007: {"train": ("trainval", _TRAINVAL_2007, 5011), "test": ("test", _TEST_2007, 4952)},
    2012: {"train": ("train", _TRAINVAL_2012, 5717), "test": ("val", _TRAINVAL_2012, 5823)},
}
"""Year → split → the official list, the archive that has it, the published number of images."""


def published_sizes(year: int) -> dict[str, int]:
    """Images of ``train`` and ``test``, and ``classes``."""
    sizes = {split: size for split, (_, _, size) in LISTS[year].items()}
    return sizes | {"classes": len(CLASSES)}


def read(root: Path, year: int) -> Imported:
    """Images, labels and boxes of a VOC tree.

    ``root`` is ``VOCdevkit``, ``VOCdevkit/VOC2012`` or the folder that contains ``VOCdevkit``;
    ``LISTS`` says which official list is which split.

    Returns:
        Images are named by their file in ``JPEGImages``. Difficult objects are no labels, but
        stay among the boxes of the images that are kept.

    Raises:
        ConfigError: another year.
        DataError: something is missing or cannot be understood; the message names the files.
    """
    if year not in LISTS:
        raise ConfigError(f"VOC is read for 2007 and 2012, got {year!r}.")
    folder = _find_folder(root, year)
    names = {
        split: _read_list(folder, title, archive)
        for split, (title, archive, _) in LISTS[year].items()
    }
    subsets, notes = {}, []
    for split, (title, _, _) in LISTS[year].items():
        subsets[split], left_out = _read_subset(folder, names[split], title).labelled(
            f"the official {title} list", "object that is not difficult"
        )
        notes += left_out
    boxes = [subset.boxes for subset in subsets.values() if subset.boxes is not None]
    notes.append(
        f"{sum(int(own.difficult.sum()) for own in boxes)} of {sum(len(own.rows) for own in boxes)}"
        " objects are marked difficult: they make no label, but stay among the boxes."
    )
    return Imported.of_subsets(
        subsets,
        CLASSES,
        folder,
        name=f"voc{year}",
        image_root=folder / "JPEGImages",
        published=published_sizes(year),
        notes=tuple(notes),
    )


def _find_folder(root: Path, year: int) -> Path:
    """The folder that has ImageSets, Annotations and JPEGImages of this year."""
    own = os.path.basename(os.path.realpath(root))
    candidates = [root / f"VOC{year}", root / "VOCdevkit" / f"VOC{year}"]
    if not (own.startswith("VOC2") and own != f"VOC{year}"):  # such as VOC2007 when 2012 is asked
        candidates.insert(0, root)
    needed = ("ImageSets/Main", "Annotations", "JPEGImages")
    folder, missing = find_folder(candidates, needed)
    if not missing:
        return folder
    if len(missing) < len(needed):
        found = f"{folder} has no folder {' and no '.join(missing)}."
    else:
        looked_for = ", ".join(str(folder / "ImageSets/Main") for folder in candidates)
        found = f"{root} has no VOC {year} in it; none of these is a folder: {looked_for}."
    archives = dict.fromkeys(archive for _, archive, _ in LISTS[year].values())
    raise DataError(f"{found} Give the folder VOCdevkit. {how_to_fetch(archives, root)}")


def _read_list(folder: Path, title: str, archive: Archive) -> list[str]:
    """The names in a list of the release, without suffix, in the order of the file names.

    Raises:
        DataError: the list cannot be understood, or annotations of its images are missing.
    """
    path = folder / "ImageSets" / "Main" / f"{title}.txt"
    # the archives have VOCdevkit/VOC2012 in them
    place = folder.parents[1] if folder.parent.name == "VOCdevkit" else folder.parent
    fetch = how_to_fetch([archive], place)
    if not os.path.isfile(path):
        raise DataError(f"{path}: there is no such file. {fetch}")
    names = distinct_names(read_lines(path), f"{path}, line")
    if wrong := [name for name in names if len(name.split()) > 1]:
        raise DataError(f"{path}: one name was expected on a line, got {wrong[0]!r}.")
    annotations = folder / "Annotations"
    try:
        there = set(os.listdir(annotations))
    except OSError as error:
        raise DataError(f"{annotations}: cannot be read ({error.strerror}).") from None
    if missing := [f"{name}.xml" for name in names if f"{name}.xml" not in there]:
        raise DataError(
            f"{annotations}: {len(missing)} of {len(names)} annotations of the {title} list "
            f"are missing: {first_names(missing, SHOWN)}. {fetch}"
        )
    return sorted(names, key=lambda name: f"{name}.jpg")


def _read_subset(folder: Path, names: list[str], title: str) -> Subset:
    annotations = folder / "Annotations"
    rows: list[int] = []
    found: list[Object] = []
    problems: list[str] = []
    for row, name in enumerate(names):
        try:
            found += read_annotation(annotations / f"{name}.xml")
            rows += [row] * (len(found) - len(rows))
        except DataError as error:
            problems.append(str(error))
            if len(problems) == SHOWN:
                break
    if problems:
        count = f"{SHOWN} or more" if len(problems) == SHOWN else len(problems)
        raise DataError(
            f"Annotations of the {title} list that cannot be used: {count}.\n" + "\n".join(problems)
        )
    boxes = Boxes(
        np.array(rows, dtype=np.int64),
        np.array([column for column, _, _ in found], dtype=np.int32),
        np.array([corners for _, corners, _ in found], dtype=np.float32).reshape(-1, 4),
        np.array([difficult for _, _, difficult in found], dtype=np.bool_),
    )
    labels = np.zeros((len(names), len(CLASSES)), dtype=np.int8)
    labels[boxes.rows[~boxes.difficult], boxes.columns[~boxes.difficult]] = 1
    return Subset([f"{name}.jpg" for name in names], labels, boxes)
