"""Runs opened to be measured: a trained model and data, that of the run or other."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from largeloss.config import RunConfig, make_config
from largeloss.data import Dataset, Loader
from largeloss.errors import ConfigError, DataError
from largeloss.runs.data import load_data
from largeloss.runs.load import TrainedClassifier, load
from largeloss.runs.settings import saved_settings
from largeloss.training.evaluation import evaluation_loader
from largeloss.training.recipe import Recipe


@dataclass(frozen=True)
class LoadedRun:
    """A trained model, which goes to the GPU if there is one, and data that it is measured on."""

    model: TrainedClassifier
    settings: RunConfig
    """That the run was begun with."""
    dataset: Dataset
    """With the labels as they are given."""

    def __post_init__(self) -> None:
        self.model.to("cuda" if torch.cuda.is_available() else "cpu")

    def loader(self, split: str) -> Loader:
        """Batches of a split, or of ``all`` of them, in order."""
        device = next(self.model.parameters()).device
        dataset = self.dataset
        if split == "all":
            every = np.sort(np.concatenate(list(dataset.splits.values())))
            dataset = replace(dataset, splits={"all": every})
        recipe = Recipe(batch_size=min(self.settings.training.batch_size, 64))
        return evaluation_loader(dataset, split, recipe, device)


def open_run(
    run: Path,
    data: Path | None = None,
    unlisted: str | None = None,
    bad_images: str | None = None,
    split: str = "all",
) -> LoadedRun:
    """The best weights of ``run``, on ``data`` or on the run's own; on all of it, or one split.

    ``unlisted`` is of ``data``; ``bad_images`` is that of the run unless given.

    Raises:
        ConfigError, CheckpointError: there is no such run, nothing to load, or ``unlisted`` without
            ``data``.
        DataError, LabelError: the data cannot be read, or does not fit the model.
    """
    if data is None and unlisted is not None:
        raise ConfigError(
            "--unlisted says how the tag lists of other data are read; those of the run are read "
            "as in its training. Name a data folder, or leave --unlisted out."
        )
    model, settings = load(run), saved_settings(run)
    own: dict[str, Any] = {"classes": list(model.classes)}
    if bad_images is not None:
        own["bad_images"] = bad_images
    if data is not None:
        own |= {"path": str(data), "labels": None, "unlisted": unlisted, "train_share": 1.0}
    dataset = _reference(settings, own, split)
    if dataset.source.sample_shape != model.sample_shape:
        raise DataError(
            f"This model takes inputs of shape {list(model.sample_shape)}; {dataset.name} has "
            f"{list(dataset.source.sample_shape)}."
        )
    return LoadedRun(model, settings, dataset)


def open_shared(run: Path, data: Path | None = None) -> tuple[LoadedRun, NDArray[np.int64]]:
    """The best weights of ``run``, on the classes that ``data`` has in common with them.

    Returns:
        The run on its data with the shared classes alone, and (C,) the model's class of each.

    Raises:
        ConfigError, CheckpointError, DataError, LabelError: as :func:`open_run`; no shared class.
    """
    if data is None:
        opened = open_run(run)
        return opened, np.arange(opened.dataset.labels.num_classes)
    model, settings = load(run), saved_settings(run)
    own = {"path": str(data), "labels": None, "classes": None, "unlisted": None}
    dataset = _reference(settings, own | {"train_share": 1.0})
    shared = [name for name in model.classes if name in dataset.labels.classes]
    if not shared:
        raise DataError(
            f"{data} and the model of {run} have no class in common: it knows "
            f"{', '.join(model.classes[:5])}, …; the data "
            f"{', '.join(dataset.labels.classes[:5])}, …. Rename classes, or choose other data."
        )
    dataset = replace(dataset, labels=dataset.labels.select_classes(shared))
    columns = np.array([model.classes.index(name) for name in shared])
    return LoadedRun(model, settings, dataset), columns


def _reference(settings: RunConfig, own: dict[str, Any], split: str = "all") -> Dataset:
    """Data with its labels as they are given; those of another folder may be without train."""
    shown = {"data": {"observe": None, "cache": None, **own}}
    settings = make_config([settings.plain(), shown])
    return load_data(settings, split, needs_train="path" not in own).reference
