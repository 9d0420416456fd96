"""Load, predict and evaluate, from Python: what is done with a run that is trained.

Errors are exceptions of :mod:`largeloss.errors`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from largeloss.api.keywords import AnyPath
from largeloss.lazy import without_bars_of_others
from largeloss.runs.arguments import check_models

# What brings torch is imported where it is used: a wrong path is told at once.
if TYPE_CHECKING:
    from largeloss.runs.evaluate import Evaluation
    from largeloss.runs.grouped_map import GroupedFigures
    from largeloss.runs.load import TrainedClassifier
    from largeloss.runs.predict.predictions import Predictions


@without_bars_of_others()
def load(run: AnyPath) -> "TrainedClassifier":
    """The trained model of a run, with its classes, thresholds and preprocessing.

    Args:
        run: A run folder, or its ``best/``.

    Raises:
        ConfigError, CheckpointError: nothing there, or damaged.
    """
    check_models([Path(run)])
    from largeloss.runs import load as loading

    return loading.load(Path(run))


@without_bars_of_others()
def predict(
    run: AnyPath, images: AnyPath | Sequence[AnyPath] = (), **options: Any
) -> "Predictions":
    """Scores and tags for images: ``load(run).predict(images)``.

    Args:
        run: A run folder.
        images: Files, folders (all images in them and below), or patterns such as
            ``photos/*.jpg``.
        **options: Of :meth:`~largeloss.TrainedClassifier.predict`: ``lists`` of images,
            ``bad_images``, ``batch_size``, ``workers``.

    Raises:
        ConfigError, CheckpointError, DataError: as of :func:`load` and ``predict``.
    """
    return load(run).predict(images, **options)


@without_bars_of_others()
def evaluate(
    run: AnyPath, data: AnyPath | None = None, *, split: str = "test", **options: Any
) -> "Evaluation":
    """Measures the best weights of a run on a split, by the labels as they are given.

    Args:
        run: A run folder.
        data: A data folder; that of the run unless given.
        split: train, val or test.
        **options: Of :func:`largeloss.runs.evaluate.evaluate`.

    Raises:
        ConfigError, CheckpointError: there is no such run, or nothing to load.
        DataError, LabelError: the data cannot be read, or does not fit the model.
    """
    folder = None if data is None else Path(data)
    check_models([Path(run)])
    from largeloss.runs import evaluate as evaluation

    return evaluation.evaluate(Path(run), folder, split=split, **options)


@without_bars_of_others()
def evaluate_groups(
    run: AnyPath,
    data: AnyPath | None = None,
    *,
    groups: int = 5,
    split: str = "test",
    **options: Any,
) -> "GroupedFigures":
    """Measures as published for OpenImages: over annotated entries only, by groups of classes with
    ever more train annotations.

    Args:
        run: A run folder.
        data: A data folder; that of the run unless given.
        groups: How many.
        split: train, val or test.
        **options: As of :func:`evaluate`.

    Raises:
        ConfigError, CheckpointError: there is no such run, nothing to load, or fewer classes than
            groups.
        DataError, LabelError: the data cannot be read, or does not fit the model.
    """
    folder = None if data is None else Path(data)
    check_models([Path(run)])
    from largeloss.runs import grouped_map

    return grouped_map.evaluate_groups(Path(run), folder, groups=groups, split=split, **options)
