"""MS COCO 2014 and 2017, and anybody's annotations in the format of COCO.

Source: https://cocodataset.org/#download ; labels of the official release are made of
``annotations/instances_*.json``. Protocol: images sorted by the string of their id, classes in the
order of the file's categories; crowds count; an image without an instance is left out.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from largeloss.data.folder.boxes import Boxes
from largeloss.data.importers.coco_json import CocoFile, read_coco_json
from largeloss.data.importers.imported import Imported, Subset
from largeloss.data.importers.official_release import Archive, find_folder, how_to_fetch
from largeloss.errors import ConfigError, DataError
from largeloss.labels.files.header import meaning_of_unlisted
from largeloss.labels.files.layouts import SPLITS
from largeloss.labels.names import positions_of

_RELEASE = "http://images.cocodataset.org"
_SIZES = {2014: ("13 GB", "6 GB", "241 MB"), 2017: ("18 GB", "1 GB", "241 MB")}
PUBLISHED: Mapping[int, Mapping[str, int]] = {
    2014: {"train": 82081, "test": 40137, "classes": 80},
    2017: {"train": 117266, "test": 4952, "classes": 80},
}


def archives(year: int) -> tuple[Archive, ...]:
    """The files of the official release: images of train and val, annotations."""
    files = (f"zips/train{year}", f"zips/val{year}", f"annotations/annotations_trainval{year}")
    return tuple(
        Archive(f"{_RELEASE}/{file}.zip", size)
        for file, size in zip(files, _SIZES[year], strict=True)
    )


def read(root: Path, year: int) -> Imported:
    """Images, labels and boxes of the official release.

    ``root`` has ``annotations``, and ``train2014`` and ``val2014`` (or 2017) or an ``images``
    folder around them. Train is the official train, test the official val.

    Returns:
        Images are named as ``train2014/COCO_train2014_000000000009.jpg``. Boxes around crowds are
        marked difficult.

    Raises:
        ConfigError: another year.
        DataError: something is missing or cannot be understood; the message names the file.
    """
    if year not in PUBLISHED:
        raise ConfigError(f"COCO is read for 2014 and 2017, got {year!r}.")
    folders = {"train": f"train{year}", "test": f"val{year}"}
    files = {
        split: root / "annotations" / f"instances_{name}.json" for split, name in folders.items()
    }
    if absent := [str(path) for path in files.values() if not os.path.isfile(path)]:
        raise DataError(
            f"There is no file {' and no '.join(absent)}. {how_to_fetch(archives(year)[2:], root)}"
        )
    image_root, missing = find_folder((root, root / "images"), list(folders.values()))
    if missing:
        raise DataError(
            f"Neither {root} nor {root / 'images'} has both folders of images, "
            f"{' and '.join(folders.values())}. {how_to_fetch(archives(year)[:2], root)}"
        )
    found = _read_all(files)
    if both := set(found["train"].ids) & set(found["test"].ids):
        raise DataError(
            f"{files['train']} and {files['test']} have {len(both)} images in common, for example "
            f"the id {min(both)}. Train and test must not overlap; take both files from one "
            "archive."
        )
    classes = tuple(found["train"].categories.values())
    subsets, notes = {}, []
    for split, folder in folders.items():
        whole, on_boxes = _subset(_by_id(found[split]), classes, 0, f"{folder}/", folder)
        subsets[split], left_out = whole.labelled(files[split].name, "instance")
        notes += [*left_out, *on_boxes]
    return Imported.of_subsets(
        subsets,
        classes,
        root,
        name=f"coco{year}",
        image_root=image_root,
        published=PUBLISHED[year],
        notes=tuple(notes),
    )


def read_files(
    annotations: Sequence[str] = (), images: Sequence[str] = (), unlisted: str | None = None
) -> Imported:
    """Anybody's annotations in the format of COCO, with or without boxes.

    Args:
        annotations: One file: its images are in the splits that their ``split`` names, or all in
            ``train`` if none does. Or ``split=file`` for each of the splits ``train``, ``val`` and
            ``test`` that there are.
        images: The folder that ``file_name`` starts from; it may have folders in it. Or
            ``split=folder`` for each of the splits.
        unlisted: What is known of the categories that an image has no annotation of:
            ``"unknown"`` or ``"absent"``, or ``"train=unknown,test=absent"``.

    Returns:
        Images come in the order of splits and files, classes in that of the first file's
        categories; the other files must have the same names of categories, in any order and under
        any id. Images without an annotation are kept. Boxes around crowds are marked difficult.

    Raises:
        ConfigError: ``unlisted`` is neither, or the other two cannot be understood.
        DataError: a file cannot be read, the files do not fit together, or only some images of one
            file name their split.
    """
    files = _by_split(annotations, "--annotations", "FILE")
    folders = _by_split(images, "--images", "FOLDER")
    if len(images) == 1 and Path(images[0]) == folders.get("train"):  # without split=
        folders = dict.fromkeys(files, folders["train"])
    if folders.keys() != files.keys():
        raise ConfigError(
            f"--annotations is given for {', '.join(files)}, but --images for "
            f"{', '.join(folders)}. Give one folder for all, or split=FOLDER for each of them."
        )
    question = (
        "An annotation says which category is in an image; are the other categories of the file "
        "absent from it?"
    )
    alone = len(annotations) == 1 and Path(annotations[0]) == files.get("train")
    if not (alone and "=" in (unlisted or "")):
        meaning_of_unlisted(unlisted, question, files)  # before files that may be large are read
    found = _read_all(files)
    if alone:
        found = _named_splits(files["train"], found["train"])
        folders = dict.fromkeys(found, folders["train"])
    meaning = meaning_of_unlisted(unlisted, question, found)
    classes = tuple(next(iter(found.values())).categories.values())
    image_root = Path(os.path.commonpath([folder.resolve() for folder in folders.values()]))
    subsets, notes = {}, []
    strange = [name for content in found.values() for name in content.splits if name]
    if alone and strange and strange[0] not in SPLITS:
        notes.append(
            f"The 'split' of the images, such as {strange[0]!r}, is not read: it is none of "
            f"{', '.join(SPLITS)}."
        )
    for split, content in found.items():
        other = -1 if meaning[split] == "unknown" else 0
        inside = folders[split].resolve().relative_to(image_root).as_posix()
        prefix = "" if inside == "." else f"{inside}/"
        subsets[split], on_boxes = _subset(content, classes, other, prefix, split)
        notes += on_boxes
        if empty := len(content.images) - len(np.unique(content.rows)):
            known = "unobserved" if other else "absent"
            notes.append(
                f"{empty} of {len(content.images)} images of {split} have no annotation: all their "
                f"categories are {known}."
            )
    return Imported.of_subsets(
        subsets,
        classes,
        " and ".join(map(str, files.values())),
        name=next(iter(files.values())).stem,
        image_root=image_root,
        notes=tuple(notes),
    )


def _by_split(given: Sequence[str], option: str, kind: str) -> dict[str, Path]:
    """Split → path, from ``split=path``; a path alone is that of train."""
    paths: dict[str, Path] = {}
    for text in given:
        split, equals, path = text.partition("=")
        if not equals or split not in SPLITS:
            split, path = "train", text
        if split in paths:
            raise ConfigError(
                f"{option} is given twice for {split}: {paths[split]} and {path}. Write "
                f"train={kind}, val={kind}, test={kind}, each at most once; one {kind} alone is "
                "train."
            )
        paths[split] = Path(path)
    if not paths:
        raise ConfigError(
            "coco needs --annotations FILE, a json file in the format of COCO, and --images "
            "FOLDER, where its file names start from."
        )
    return paths


def _named_splits(path: Path, content: CocoFile) -> dict[str, CocoFile]:
    """The images by the splits that they name; all are train where none does."""
    of_image = [name if name in SPLITS else None for name in content.splits]
    lacking = [row for row, name in enumerate(of_image) if name is None]
    if len(lacking) == len(of_image):
        return {"train": content}
    if lacking:
        row = lacking[0]
        raise DataError(
            f"{path}: {len(of_image) - len(lacking)} of {len(of_image)} images name a split "
            f"({', '.join(SPLITS)}), but the 'split' of {content.images[row]!r} is "
            f"{content.splits[row]!r}. Write one of these for each image, or remove all 'split'."
        )
    column = np.array(of_image)
    return {
        split: content.only(np.flatnonzero(column == split))
        for split in SPLITS
        if split in of_image
    }


def _read_all(files: Mapping[str, Path]) -> dict[str, CocoFile]:
    """The files by split, none of them empty; all have the same categories."""
    found = {split: read_coco_json(path) for split, path in files.items()}
    first = next(iter(found))
    ours = set(found[first].categories.values())
    for split, content in found.items():
        theirs = set(content.categories.values())
        if not content.images or not theirs:
            raise DataError(
                f"{files[split]}: there is no image or no category. At least one is needed."
            )
        if ours != theirs:
            shown = ", ".join(map(repr, sorted(ours ^ theirs)[:3]))
            raise DataError(
                f"{files[first]} and {files[split]} have different categories: "
                f"{len(ours - theirs)} are in the first only and {len(theirs - ours)} in the "
                f"second only, for example {shown}. List the same categories in all files."
            )
    return found


def _by_id(content: CocoFile) -> CocoFile:
    """The images sorted by the string of their id, as published code does."""
    return content.only(np.argsort(np.array(content.ids).astype(str), kind="stable"))


def _subset(
    content: CocoFile, classes: Sequence[str], other: int, prefix: str, title: str
) -> tuple[Subset, list[str]]:
    """Labels (n, C) that are ``other`` where there is no annotation, and boxes with an area; notes.

    Names of images are put behind ``prefix``.
    """
    places = positions_of(content.categories.values(), classes)
    columns = places[content.columns]
    labels = np.full((len(content.images), len(classes)), other, dtype=np.int8)
    labels[content.absent_rows, places[content.absent_columns]] = 0
    labels[content.rows, columns] = 1
    left_top, sides = content.boxes[:, :2], content.boxes[:, 2:]
    corners = np.hstack([np.maximum(left_top, 0), left_top + sides]).astype(np.float32)
    boxes = Boxes(content.rows, columns.astype(np.int32), corners, content.crowd)
    solid = np.asarray((corners[:, 2:] > corners[:, :2]).all(axis=1))
    note = (
        f"{(~solid).sum()} of {len(solid)} annotations of {title} have no box, or one without "
        "area: they make labels, but are left out of the boxes."
    )
    images = [prefix + name for name in content.images]
    return Subset(images, labels, boxes.select(solid)), [] if solid.all() else [note]
