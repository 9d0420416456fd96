"""Several collections as one: classes of all, names that tell where an image is from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from largeloss.data.dataset import Dataset, Rows
from largeloss.data.inputs.image_files import ImageFiles
from largeloss.data.inputs.source import FeatureArray, Source
from largeloss.errors import ConfigError, DataError, LabelError
from largeloss.labels import LabelTable
from largeloss.labels.names import suggestion

Rename = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Joined:
    """Labels and splits of all collections; inputs stay where they are."""

    table: LabelTable
    """Images in the order of the collections, named ``collection/image``."""
    splits: Mapping[str, Rows]
    """Sorted rows."""
    sources: tuple[tuple[str, Path | None], ...]
    """For each collection the folder that its images' old names start from; None where inputs are
    not files, or there are none."""


def join(parts: Sequence[tuple[str, Dataset]], rename: Rename | None = None) -> Joined:
    """One table of all ``parts``.

    Classes are those of the first collection, then what the next ones add. What a collection does
    not annotate is unobserved on its images. Images that are the same in two collections stay two
    images.

    Args:
        parts: Name and data of each collection.
        rename: Collection → its class name → the name to use in its place. Nothing else is ever
            taken for the same class.

    Raises:
        ConfigError: names of collections that do not serve, or ``rename`` of what is not there.
        LabelError: class names that differ only by case or surrounding spaces, or two classes of
            one collection under one name.
        DataError: images and features, or features of different sizes, or images that do not
            lie under one folder by their names.
    """
    _check_names([name for name, _ in parts])
    _check_kinds(parts)
    renamed = _renamed(parts, rename or {})
    classes = _union(renamed)
    position = {name: column for column, name in enumerate(classes)}
    images: list[str] = []
    splits: dict[str, list[Rows]] = {}
    rows, columns, states = [], [], []
    for name, data in parts:
        table, start = data.labels, len(images)
        entries = table.entries()
        target = np.array([position[one] for one in renamed[name]], dtype=np.int64)
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
    return Joined(
        joined,
        {split: np.sort(np.concatenate(own)) for split, own in splits.items()},
        tuple((name, _root(name, data)) for name, data in parts),
    )


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


def _kind(source: Source) -> str:
    if isinstance(source, ImageFiles):
        return "image files"
    kind = "features" if isinstance(source, FeatureArray) else "images in memory"
    return f"{kind} of shape {tuple(source.sample_shape)}"


def _check_kinds(parts: Sequence[tuple[str, Dataset]]) -> None:
    first, kind = parts[0][0], _kind(parts[0][1].source)
    for name, data in parts:
        if _kind(data.source) != kind:
            raise DataError(
                f"{first!r} has {kind}, {name!r} {_kind(data.source)}. Only inputs of one kind can "
                "be joined: take the images of both, or features from the same backbone."
            )
        if len(data.source) != data.labels.num_images:
            raise DataError(
                f"{name!r} has {len(data.source)} inputs, but labels of {data.labels.num_images} "
                "images. Needed: one input an image, in the same order."
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
        for place, new in enumerate(renamed[name]):
            if (earlier := renamed[name].index(new)) != place:
                raise LabelError(
                    f"The classes {old[earlier]!r} and {old[place]!r} of {name!r} would both be "
                    f"called {new!r}. Classes of one collection are not merged: rename one of "
                    "them differently."
                )
    return renamed


def _union(renamed: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Class names in order of appearance."""
    seen: dict[str, tuple[str, str]] = {}
    for name, classes in renamed.items():
        for one in classes:
            collection, spelled = seen.setdefault(one.strip().casefold(), (name, one))
            if spelled != one:
                raise LabelError(
                    f"The class {spelled!r} of {collection!r} and the class {one!r} of {name!r} "
                    "differ only by case or surrounding spaces. Rename one of them: to the same "
                    "name if they mean the same, otherwise to a different one."
                )
    return tuple(spelled for _, spelled in seen.values())


def _root(name: str, data: Dataset) -> Path | None:
    """The folder that image names start from."""
    source, images = data.source, data.labels.images
    if not isinstance(source, ImageFiles) or not images:
        return None
    depth = len(Path(images[0]).parts)
    root = Path(*source.paths[0].parts[:-depth])
    for image, path in zip(images, source.paths, strict=True):
        if root / image != path:
            raise DataError(
                f"The images of {name!r} do not lie under one folder by their names: {image!r} "
                f"is {path}, but {images[0]!r} is {source.paths[0]}."
            )
    return root
