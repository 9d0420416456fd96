"""Where the organisers of Pascal VOC put things: archives, folders and lists.

Source: http://host.robots.ox.ac.uk/pascal/VOC/
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from largeloss.data.importers.inside import check_inside
from largeloss.errors import DataError


class Archive(NamedTuple):
    """Where a split comes from."""

    image_list: str
    file: str
    size: int
    """Published number of images."""


OWNERS = "http://host.robots.ox.ac.uk/pascal/VOC"
_TRAINVAL_2012 = f"{OWNERS}/voc2012/VOCtrainval_11-May-2012.tar"
ARCHIVES: Mapping[int, Mapping[str, Archive]] = {
    2007: {
        "train": Archive("trainval", f"{OWNERS}/voc2007/VOCtrainval_06-Nov-2007.tar", 5011),
        "test": Archive("test", f"{OWNERS}/voc2007/VOCtest_06-Nov-2007.tar", 4952),
    },
    2012: {
        "train": Archive("train", _TRAINVAL_2012, 5717),
        "test": Archive("val", _TRAINVAL_2012, 5823),
    },
}


def find_folder(root: Path, year: int) -> Path:
    """The folder that has ImageSets, Annotations and JPEGImages of this year."""
    own = os.path.basename(os.path.realpath(root))
    candidates = [root / f"VOC{year}", root / "VOCdevkit" / f"VOC{year}"]
    if not (own.startswith("VOC2") and own != f"VOC{year}"):  # such as VOC2007 when 2012 is asked
        candidates.insert(0, root)
    needed = ("ImageSets/Main", "Annotations", "JPEGImages")
    missing = {
        folder: [name for name in needed if not os.path.isdir(folder / name)]
        for folder in candidates
    }
    for folder in candidates:
        if not missing[folder]:
            return folder
    for folder in candidates:
        if len(missing[folder]) < len(needed):
            raise DataError(
                f"{folder} has no folder {' and no '.join(missing[folder])}. Unpack the whole of "
                f"{ARCHIVES[year]['train'].file}."
            )
    looked_for = ", ".join(str(folder / "ImageSets/Main") for folder in candidates)
    raise DataError(
        f"{root} has no VOC {year} in it; none of these is a folder: {looked_for}. Give the folder "
        f"VOCdevkit, and unpack {ARCHIVES[year]['train'].file} to get one."
    )


def read_list(folder: Path, archive: Archive, year: int) -> list[str]:
    """The names in a list of the owners, without suffix, in the order of the file names."""
    path = folder / "ImageSets" / "Main" / f"{archive.image_list}.txt"
    if not os.path.isfile(path):
        raise DataError(f"{path}: there is no such file. VOC {year} has it in {archive.file}.")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}). Fetch {archive.file} anew.") from None
    names: dict[str, int] = {}
    for number, name in enumerate(map(str.strip, lines), 1):
        if not name:
            continue
        where = f"{path}, line {number}"
        if len(name.split()) > 1:
            raise DataError(f"{where}: one name was expected, got {name!r}.")
        check_inside(name, where)
        if name in names:
            raise DataError(f"{where}: {name!r} stands in line {names[name]} already. Remove one.")
        names[name] = number
    if not names:
        raise DataError(f"{path}: the list is empty. Fetch {archive.file} anew.")
    return sorted(names, key=lambda name: f"{name}.jpg")
