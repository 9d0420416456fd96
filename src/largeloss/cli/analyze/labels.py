"""The labels of a recorded run: as trained on, and as they are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from largeloss.analysis.recorded import Recorded
from largeloss.cli.execute import saved_config
from largeloss.cli.prepare import RunData, hidden, read_data, training_labels
from largeloss.config import RunConfig
from largeloss.errors import ConfigError
from largeloss.files import write_json


class RunLabels(NamedTuple):
    """Of the recorded images of a run."""

    run: Path
    recorded: Recorded
    training: NDArray[np.int8]
    """(n, C): what the method was trained on."""
    reference: NDArray[np.int8]
    """(n, C): what the data set says; -1 where it does not."""
    classes: tuple[str, ...]
    images: tuple[str, ...]
    """N names of all images, by row."""
    method: str


def read_labels(config: RunConfig) -> RunData:
    """The data of a run; no image is decoded."""
    return hidden(config, read_data(config))


def run_labels(run: Path, read: Callable[[RunConfig], RunData] = read_labels) -> RunLabels:
    """Reads a run's recording and, from its data set, the labels.

    Args:
        run: Its folder.
        read: Gives the data of its settings.

    Raises:
        ConfigError: no run, no recording, or the data has changed.
    """
    config = saved_config(run)
    recorded = Recorded.of(run)
    data = read(config)
    if len(recorded.rows) and recorded.rows[-1] >= data.reference.labels.num_images:
        raise ConfigError(
            f"{run} was recorded on more images than its data set has now "
            f"({data.reference.labels.num_images}). Restore the data, or train anew."
        )
    known = training_labels(data, config.method.name).labels
    truth = data.reference.labels
    return RunLabels(
        run,
        recorded,
        known.lookup(recorded.rows),
        truth.lookup(recorded.rows),
        truth.classes,
        truth.images,
        config.method.name,
    )


def write_analysis(run: Path, name: str, content: dict[str, Any]) -> Path:
    """Writes ``analysis/NAME.json`` into the run folder."""
    path = run / "analysis" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    write_json(path, content)
    return path
