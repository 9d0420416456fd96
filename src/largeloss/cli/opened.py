"""A run opened for measuring: its best weights, and the data to measure them on."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from largeloss.cli import execute
from largeloss.cli.prepare import load_data
from largeloss.config import RunConfig, make_config
from largeloss.data import Dataset, Loader
from largeloss.errors import DataError
from largeloss.models import Classifier
from largeloss.predict import load_classifier
from largeloss.training.protocols import Recipe, scoring_loader


@dataclass(frozen=True)
class OpenedRun:
    """A classifier and the data that it is measured on."""

    model: Classifier
    saved: dict[str, Any]
    """As in the ``config.json`` beside the weights."""
    config: RunConfig
    """The settings that the run was begun with."""
    dataset: Dataset
    """With the labels as they are given."""

    def loader(self, split: str) -> Loader:
        """Batches of a split, or of ``all`` of them, in order."""
        device = next(self.model.parameters()).device
        dataset = self.dataset
        if split == "all":
            every = np.sort(np.concatenate(list(dataset.splits.values())))
            dataset = replace(dataset, splits={"all": every})
        return scoring_loader(dataset, split, Recipe(), device)


def open_run(
    run: Path,
    data: Path | None = None,
    unlisted: str | None = None,
    bad_images: str = "error",
    split: str = "all",
) -> OpenedRun:
    """The best weights of ``run``, on ``data`` or on the run's own; on all of it, or one split.

    Raises:
        ConfigError, CheckpointError: there is no such run, or nothing to load.
        DataError, LabelError: the data cannot be read, or does not fit the model.
    """
    model, saved = load_classifier(run)
    config = execute.saved_config(run)
    given: dict[str, Any] = {
        "data": {
            "classes": saved["classes"],
            "bad_images": bad_images,
            "observe": None,
            "cache": None,
        }
    }
    if data is not None:
        given["data"] |= {"path": str(data), "unlisted": unlisted}
    dataset = load_data(make_config([config.plain(), given]), split).reference
    wanted, found = saved["architecture"]["sample_shape"], list(dataset.source.sample_shape)
    if found != wanted:
        raise DataError(f"This model takes inputs of shape {wanted}; {dataset.name} has {found}.")
    return _opened(model, saved, config, dataset)


def open_shared(run: Path, data: Path | None = None) -> tuple[OpenedRun, NDArray[np.int64]]:
    """The best weights of ``run``, on the classes that ``data`` has in common with them.

    Returns:
        The run on its data with the shared classes alone, and (C,) the model's class of each.

    Raises:
        ConfigError, CheckpointError, DataError, LabelError: as :func:`open_run`; no shared class.
    """
    if data is None:
        opened = open_run(run)
        return opened, np.arange(opened.dataset.labels.num_classes)
    model, saved = load_classifier(run)
    config = execute.saved_config(run)
    given = {
        "data": {
            "path": str(data), "classes": None, "observe": None, "unlisted": None, "cache": None,
        }
    }  # fmt: skip
    dataset = load_data(make_config([config.plain(), given])).reference
    shared = [name for name in saved["classes"] if name in dataset.labels.classes]
    if not shared:
        raise DataError(
            f"{data} and the model of {run} have no class in common: it knows "
            f"{', '.join(saved['classes'][:5])}, …; the data "
            f"{', '.join(dataset.labels.classes[:5])}, …. Rename classes, or choose other data."
        )
    dataset = dataset.with_labels(dataset.labels.select_classes(shared))
    columns = np.array([saved["classes"].index(name) for name in shared])
    return _opened(model, saved, config, dataset), columns


def open_with(run: Path, dataset: Dataset) -> OpenedRun:
    """The best weights of ``run``, on its own data, which is read already."""
    return _opened(*load_classifier(run), execute.saved_config(run), dataset)


def _opened(
    model: Classifier, saved: dict[str, Any], config: RunConfig, dataset: Dataset
) -> OpenedRun:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return OpenedRun(model.to(device), saved, config, dataset)
