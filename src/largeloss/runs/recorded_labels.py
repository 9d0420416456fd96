"""The labels of a recorded run: those trained on, and the reference."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from largeloss.analysis.recorded import RecordedLosses
from largeloss.config import RunConfig
from largeloss.errors import ConfigError
from largeloss.files import write_json
from largeloss.runs.data import RunData, readable_data
from largeloss.runs.seen_in_training import has_changed
from largeloss.runs.settings import saved_settings
from largeloss.runs.training_labels import training_labels


class RecordedLabels(NamedTuple):
    """Of the recorded images of a run."""

    run: Path
    recorded: RecordedLosses
    training: NDArray[np.int8]
    """(n, C): what the method was trained on."""
    reference: NDArray[np.int8]
    """(n, C): the labels as they are given; -1 where they say nothing."""
    classes: tuple[str, ...]
    images: tuple[str, ...]
    """N names of all images, by row."""
    method: str


def recorded_labels(
    run: Path, read: Callable[[RunConfig], RunData] = readable_data
) -> RecordedLabels:
    """Reads a run's recording and, from its data set, the labels.

    Raises:
        ConfigError: no run, no recording, or the labels that it was trained on have changed.
    """
    settings = saved_settings(run)
    recorded = RecordedLosses.read(run)
    data = read(settings)
    reference = data.reference.labels
    if has_changed(run, data):
        raise ConfigError(
            f"{run} was recorded with other labels, splits or images than its data set has now: "
            "its losses belong to those. Restore the data, or train again in another folder."
        )
    if len(recorded.rows) and recorded.rows[-1] >= reference.num_images:
        raise ConfigError(
            f"{run} was recorded on more images than its data set has now "
            f"({reference.num_images}). Restore the data, or train again in another folder."
        )
    shown = training_labels(data, settings.method.name).labels
    return RecordedLabels(
        run,
        recorded,
        shown.lookup(recorded.rows),
        reference.lookup(recorded.rows),
        reference.classes,
        reference.images,
        settings.method.name,
    )


def write_analysis(run: Path, name: str, content: dict[str, Any]) -> Path:
    """Writes ``analysis/NAME.json`` into the run folder."""
    path = run / "analysis" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    write_json(path, content)
    return path
