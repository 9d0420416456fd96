"""Several collections as one: classes of all, names that tell where an image is from."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from largeloss.data.dataset import Dataset, Rows
from largeloss.data.folder.boxes import BOXES, Boxes, read_boxes
from largeloss.data.folder.labels_and_splits import Records, read_records
from largeloss.data.folder.place import find_label_file
from largeloss.data.folder.read import with_inputs
from largeloss.data.folder.write import Extras
from largeloss.data.inputs.image_files import ImageFiles
from largeloss.data.inputs.source import FeatureArray, LabelsOnly
from largeloss.errors import ConfigError, DataError, LabelError
from largeloss.labels import LabelTable
from largeloss.labels.files.header import header_of
from largeloss.labels.files.raw import read_header
from largeloss.labels.names import positions_of, spelling, suggestion

Rename = Mapping[str, Mapping[str, str]]


def join_folders(
    folders: Sequence[tuple[str, Path]], rename: Rename, unlisted: str | None
) -> tuple[Dataset, Extras]:
    """Several data folders, each with its name, as one to be written: labels, splits, and inputs.

    Splits that a folder names are kept; what all of them lack is drawn from the train of all.
    ``rename`` is as in :func:`join_labels`. ``unlisted`` is as in
    :func:`largeloss.labels.read_labels`, for those of the folders that list tags.

    Raises:
        DataError: a folder cannot be read, or was itself joined; none has an image in train; or as
            :func:`join_labels`.
        ConfigError, LabelError: as :func:`join_labels`.
    """
    listing = [] if unlisted is None else [folder for _, folder in folders if _lists_tags(folder)]
    words = dict.fromkeys(listing or [folder for _, folder in folders], unlisted)
    records = [(name, read_records(folder, unlisted=words.get(folder))) for name, folder in folders]
    for _, found in records:
        if isinstance(found.description.images, dict):
            raise DataError(
                f"{found.root} was itself joined of {', '.join(found.description.images)}. Join "
                "these folders directly, all in one command."
            )
    data = [(name, with_inputs(found, follow_symlinks=True)) for name, found in records]
    notes = [f"{name}: {text}" for name, dataset in data for text in dataset.notes]
    table, splits = join_labels(data, rename)
    title = "+".join(name for name, _ in folders)
    source = LabelsOnly(table.num_images)
    dataset = Dataset(title, source, table, splits, tuple(notes)).with_splits()
    boxes, remarks = _join_boxes(records, rename, table)
    places = {name: one.folders for name, one in records if isinstance(one.folders, Path)}
    features = [one.source.values for _, one in data if isinstance(one.source, FeatureArray)]
    extras = Extras(places or None, torch.cat(features) if features else None, boxes)
    return replace(dataset, notes=(*dataset.notes, *remarks)), extras


def _lists_tags(folder: Path) -> bool:
    return header_of(read_header(find_label_file(folder))).layout == "list"


def join_labels(
    parts: Sequence[tuple[str, Dataset]], rename: Rename
) -> tuple[LabelTable, dict[str, Rows]]:
    """One table of all ``parts``, its images named ``collection/image``, and sorted splits.

    Classes are those of the first collection, then what the next ones add. What a collection does
    not annotate is unobserved on its images. Images that are the same in two collections stay two
    images.

    ``rename`` is collection → its class name → the name to use in its place. Nothing else is ever
    taken for the same class.

    Raises:
        ConfigError: names of collections that do not serve, or ``rename`` of what is not there.
        LabelError: class names that differ only by case, surrounding spaces or Unicode form, or two
            classes of one collection under one name.
        DataError: images and features, or features of different sizes.
    """
    _check_names([name for name, _ in parts])
    _check_kinds(parts)
    renamed = _renamed(parts, rename)
    classes = _union(renamed)
    images: list[str] = []
    splits: dict[str, list[Rows]] = {}
    rows, columns, states = [], [], []
    for name, data in parts:
        table, start = data.labels, len(images)
        entries = table.entries()
        target = positions_of(renamed[name], classes)
        rows.append(entries.rows + start)
        columns.append(target[entries.columns])
        states.append(entries.states)
        for split, own in data.splits.items():
            splits.setdefault(split, []).append(own + start)
        images += [f"{name}/{image}" for image in table.images]
    joined = LabelTable.from_entries(
        np.concatenate(rows),
        np.concatenate(columns),
        np.concatenate(states),
        images=images,
        classes=classes,
    )
    return joined, {split: np.sort(np.concatenate(own)) for split, own in splits.items()}


def _check_names(names: Sequence[str]) -> None:
    if not names:
        raise ConfigError("There is nothing to join. Needed: one or more collections.")
    seen: dict[str, str] = {}
    for name in names:
        if name != name.strip() or name in ("", ".", "..") or set(name) & set("/\\\0"):
            raise ConfigError(
                f"A collection cannot be called {name!r}: its name becomes a folder. Needed: a "
                "name without slashes and surrounding spaces."
            )
        other = seen.setdefault(name.casefold(), name)
        if other is not name or names.count(name) > 1:
            raise ConfigError(
                f"Two collections are called {other!r} and {name!r}: files of both would come "
                "under one name. Give each a name of its own."
            )


def _check_kinds(parts: Sequence[tuple[str, Dataset]]) -> None:
    kinds: dict[str, str] = {}
    for name, data in parts:
        kind = "features" if isinstance(data.source, FeatureArray) else "images in memory"
        shaped = f"{kind} of shape {tuple(data.source.sample_shape)}"
        kinds[name] = "image files" if isinstance(data.source, ImageFiles) else shaped
        first = next(iter(kinds))
        if kinds[name] != kinds[first]:
            raise DataError(
                f"{first!r} has {kinds[first]}, {name!r} {kinds[name]}. Only inputs of one kind "
                "can be joined: take the images of both, or features from the same backbone."
            )


def _renamed(parts: Sequence[tuple[str, Dataset]], rename: Rename) -> dict[str, tuple[str, ...]]:
    """Collection → its classes by their new names."""
    known = [name for name, _ in parts]
    for name in rename:
        if name not in known:
            raise ConfigError(
                f"Classes of {name!r} cannot be renamed: there is no such collection."
                f"{suggestion(name, known)}"
            )
    renamed = {}
    for name, data in parts:
        changes, old = rename.get(name, {}), data.labels.classes
        for one, new in changes.items():
            if one not in old:
                raise ConfigError(f"{name!r} has no class {one!r}.{suggestion(one, old)}")
            if not new.strip():
                raise ConfigError(f"The new name of class {one!r} of {name!r} is empty.")
        renamed[name] = tuple(changes.get(one, one) for one in old)
        first: dict[str, str] = {}
        for one, new in zip(old, renamed[name], strict=True):
            if (earlier := first.setdefault(new, one)) != one:
                raise LabelError(
                    f"The classes {earlier!r} and {one!r} of {name!r} would both be "
                    f"called {new!r}. Classes of one collection are not merged: rename one of "
                    "them differently."
                )
    return renamed


def _union(renamed: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Class names in order of appearance."""
    seen: dict[str, tuple[str, str]] = {}
    for name, classes in renamed.items():
        for one in classes:
            collection, spelled = seen.setdefault(spelling(one.strip()), (name, one))
            if spelled != one:
                raise LabelError(
                    f"The class {spelled!r} of {collection!r} and the class {one!r} of {name!r} "
                    "differ only by case or surrounding spaces, or by Unicode form (NFC, NFD). "
                    "Rename one of them: to the same name if they mean the same, otherwise to a "
                    "different one."
                )
    return tuple(spelled for _, spelled in seen.values())


def _join_boxes(
    parts: Sequence[tuple[str, Records]], rename: Rename, table: LabelTable
) -> tuple[Boxes | None, list[str]]:
    """The boxes of all collections by row and column of the joined ``table``, and remarks."""
    found, remarks, start = [], [], 0
    for name, records in parts:
        own = records.table
        path = records.root / BOXES
        if path.is_file():
            boxes = read_boxes(path, own)
            changes = rename.get(name, {})
            # the last place serves column -1: a box of every class
            classes = [*(changes.get(one, one) for one in own.classes), ""]
            target = positions_of(classes, table.classes).astype(np.int32)
            found.append(boxes._replace(rows=boxes.rows + start, columns=target[boxes.columns]))
        else:
            remarks.append(f"{name} has no boxes; those of the others are kept.")
        start += own.num_images
    return (Boxes.concatenated(found), remarks) if found else (None, [])
