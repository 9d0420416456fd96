"""A run goes on with its data in another place, if these are the same by their fingerprints."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from largeloss.config import RunConfig
from largeloss.errors import ConfigError
from largeloss.files import checksummed_yaml, previous, write_text
from largeloss.runs.assemble import make_evaluators
from largeloss.runs.data import readable_data
from largeloss.runs.result import RunResult
from largeloss.runs.settings import resolved, saved_settings
from largeloss.runs.training_labels import training_dataset
from largeloss.training.checkpoint_file import load_state
from largeloss.training.fingerprints import INPUTS, label_fingerprints
from largeloss.training.run_folder import HEAD, TEACHER, RunFolder


def resumed_settings(run: Path, asked: RunConfig) -> RunConfig:
    """The settings of ``run``, with the place of its data that is ``asked`` for.

    Another place is noted in ``config.yaml``.

    Raises:
        ConfigError: as :func:`.saved_settings`; or other data than the run was begun with.
        CheckpointError, RunError: the run cannot be read.
        DataError, LabelError: the data cannot be read.
    """
    saved, asked = saved_settings(run), resolved(asked)
    old, new = _place(saved), _place(asked)
    if old == new or None in (old["path"], new["path"]):
        return saved_settings(run, asked)
    settings = saved_settings(run, asked.with_values(data=old))  # all else is the same
    before = _fingerprints(RunFolder(run))
    if before is None:
        raise ConfigError(
            f"{run} was begun with the data in {old['path']} and has saved no epoch of it yet: "
            f"nothing tells whether {new['path']} holds the same. Start it in another folder."
        )
    moved = settings.with_values(data=new)
    now = _found(moved)
    different = [what for what in now if before.get(what) != now[what]]
    if different:
        raise ConfigError(
            f"{new['path']} does not hold what {run} was begun with, in {old['path']}: the "
            f"{' and the '.join(different)} are others. Name the folder that its data were moved "
            "to, or start a new run; nothing was changed."
        )
    write_text(RunFolder(run).config_file, checksummed_yaml(saved.with_values(data=new).plain()))
    return moved


def _place(settings: RunConfig) -> dict[str, Path | None]:
    return {"path": settings.data.path, "labels": settings.data.labels}


def _found(settings: RunConfig) -> dict[str, str]:
    """Of the data as they are now; of this process alone."""
    data = readable_data(settings)
    dataset = training_dataset(data, settings.method.name)
    used = np.sort(np.concatenate(list(dataset.splits.values())))
    labels = label_fingerprints(dataset, make_evaluators(settings, data))
    return {**labels, INPUTS: dataset.source.fingerprint(used)}


def _fingerprints(run: RunFolder) -> dict[str, str] | None:
    """What a run has noted of its data; None where it has saved nothing."""
    if run.finished:
        return RunResult.read(run.path).fingerprints
    for state_file in _states(run):
        if state_file.is_file() or previous(state_file).is_file():
            content: dict[str, str] = load_state(state_file)["content"]
            return content
    return None


def _states(run: RunFolder) -> Iterator[Path]:
    """Of the run and of what it trains first."""
    yield run.state_file
    for folder in (run.path / HEAD, *sorted(run.path.glob(f"{TEACHER}-*"))):
        yield RunFolder(folder).state_file
