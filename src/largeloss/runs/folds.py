"""Models that have not seen some of the training images: for scores out of fold."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from largeloss.config import RunConfig
from largeloss.data import Dataset
from largeloss.errors import ConfigError
from largeloss.files import refuse_links
from largeloss.models import Classifier
from largeloss.runs.data import RunData
from largeloss.runs.load import load
from largeloss.runs.lone_images import cannot, has_lone_image, learns_from_one
from largeloss.runs.train import train
from largeloss.training.listener import Listener
from largeloss.training.run_folder import is_run

FOLDS = "folds"
"""The folder, within that of a run, of the runs that leave a fold out."""


def fold_numbers(num_images: int, folds: int, seed: int) -> NDArray[np.int64]:
    """(num_images,) in [0, folds): drawn at random, each as often as any other, give or take one.

    Raises:
        ConfigError: fewer than two folds, or more than images.
    """
    if not 2 <= folds <= num_images:
        raise ConfigError(
            f"--folds must be 2 to {num_images:,}, the number of training images; got {folds}."
        )
    return np.random.default_rng(seed).permutation(num_images) % folds


def fold_networks(
    run: Path,
    settings: RunConfig,
    data: RunData,
    rows: NDArray[np.int64],
    fold_of: NDArray[np.int64],
    listener: Callable[[str], Listener] = lambda name: Listener(),
) -> Iterator[tuple[Classifier, int]]:
    """For each fold a network that was trained, as the run was, on the other folds alone.

    The runs are kept in ``RUN/folds``, under the checksum of their labels and splits: what was
    trained is not trained again, what was interrupted is resumed.

    Args:
        run: The run folder.
        settings: Of the run.
        data: Of the run.
        rows: (N,) the training images.
        fold_of: (N,) their folds.
        listener: Makes, for a title, what is told how the training goes on.

    Raises:
        ConfigError: ``RUN/folds`` holds links; or a batch would have one image, and the network
            cannot be trained on one.
        RunError: a training was stopped, or failed.
    """
    refuse_links(run / FOLDS)
    settings = settings.with_values(training={"record": "nothing"})  # nobody would read it
    count = int(fold_of.max()) + 1
    _check_lone_images(settings, data.training, len(rows), count)
    for fold in range(count):
        kept = rows[fold_of != fold]
        part = RunData(_training_on(kept, data.training), _training_on(kept, data.reference))
        out = run / FOLDS / part.training.fingerprint[:16]
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            train(
                settings,
                out,
                resume=is_run(out),
                data=part,
                listener=listener(f"fold {fold + 1} of {count}"),
                introduce=False,
            )
        yield load(out).network, fold


def _training_on(rows: NDArray[np.int64], dataset: Dataset) -> Dataset:
    return replace(dataset, splits={**dataset.splits, "train": rows})


def _check_lone_images(settings: RunConfig, dataset: Dataset, number: int, folds: int) -> None:
    """Refuses a number of folds that leaves a lone image in a batch, where that cannot be."""
    size = settings.training.batch_size

    def lone(folds: int) -> bool:
        kept = (number - number // folds, number - -(-number // folds))
        return any(has_lone_image(images, size) for images in kept)

    if not lone(folds) or learns_from_one(settings, dataset):
        return
    fitting = [other for other in range(2, number + 1) if not lone(other)]
    fix = "Train again with another --batch-size."
    if fitting:
        fix = f"Choose --folds {min(fitting, key=lambda other: abs(other - folds))}."
    raise ConfigError(
        f"With --folds {folds} a batch of the training has one image, and {cannot(settings)} {fix}"
    )
