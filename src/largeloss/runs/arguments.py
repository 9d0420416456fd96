"""What can be said of a command's arguments before torch is imported: within a second.

A mistyped path is told at once. Everything here is looked at again by what does the work.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from largeloss.config import RunConfig
from largeloss.data.folder.place import label_file_of
from largeloss.errors import ConfigError
from largeloss.losses import check_name
from largeloss.runs.file_names import TUNED
from largeloss.runs.output_file import check_output
from largeloss.runs.output_kinds import SUGGESTIONS
from largeloss.training.run_folder import RunFolder


def check_runs(runs: Iterable[Path]) -> None:
    """Makes sure that runs were begun in these folders.

    Raises:
        ConfigError: there is none in one of them.
    """
    for run in runs:
        RunFolder(run).check_begun()


def check_models(runs: Iterable[Path]) -> None:
    """Makes sure that these folders, of runs or of weights, hold a trained model.

    Raises:
        ConfigError: one of them does not.
    """
    for run in runs:
        RunFolder(run).check_trained()


def check_data(data: Path | None, labels: Path | None = None) -> None:
    """Makes sure that a data folder is there, with labels, or ``labels`` in their place.

    Raises:
        DataError, LabelError: it is not.
    """
    if data is not None:
        label_file_of(data, labels)


def check_settings(settings: RunConfig) -> None:
    """Makes sure that there are the method, the data and the weights that settings name.

    Raises:
        ConfigError, DataError, LabelError: there are not.
    """
    method, weights = settings.method, settings.model.weights
    check_name(method.name)
    if weights is not None and not weights.expanduser().is_file():
        raise ConfigError(f"There is no weights file {weights}.")
    check_workers(settings.training.workers)
    check_data(settings.data.path, settings.data.labels)


def check_tuned(tuned: Path | None) -> None:
    """Makes sure that what ``largeloss tune`` wrote is there, where it is named.

    Raises:
        ConfigError: it is not.
    """
    if tuned is None:
        return
    path = tuned / TUNED if tuned.is_dir() else tuned
    if not path.exists():
        raise ConfigError(
            f"There is no {path}. Needed: the --out of a 'largeloss tune' that has ended."
        )


def check_number(name: str, value: int, least: int) -> None:
    """Makes sure that a value is a whole number and not below ``least``.

    Raises:
        ConfigError: it is not.
    """
    if not isinstance(value, int) or value < least:
        raise ConfigError(f"{name} must be a whole number, {least} or more, got {value!r}.")


def check_workers(workers: int) -> None:
    """Makes sure that processes that decode images are not so many that memory runs out.

    Raises:
        ConfigError: no whole number of 0 or more, or far more than there are cores.
    """
    check_number("workers", workers, 0)
    cores = os.cpu_count() or 1
    most = max(16, 4 * cores)
    if workers > most:
        raise ConfigError(
            f"workers is {workers:,}, and this machine has {cores:,} cores. Each worker is "
            f"a process of some 400 MB. Give at most {most}; as many as there are cores are enough."
        )


def check_suggestions(path: Path, run: Path | None = None) -> None:
    """Makes sure that suggestions (of ``run``) can be written there.

    Raises:
        ConfigError: as :func:`.check_output`.
    """
    check_output(path, SUGGESTIONS, run=run)
