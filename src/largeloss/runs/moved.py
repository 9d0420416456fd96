"""A run goes on with its data in another place, if these are the same by their fingerprints."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from largeloss import distributed
from largeloss.config import RunConfig
from largeloss.errors import ConfigError, LargelossError
from largeloss.files import checksummed_yaml, previous, write_text
from largeloss.runs.assemble import make_evaluators
from largeloss.runs.data import RunData, readable_data
from largeloss.runs.result import RunResult
from largeloss.runs.settings import as_begun, going_on, saved_settings
from largeloss.runs.training_labels import training_dataset
from largeloss.training.checkpoint_file import load_state
from largeloss.training.fingerprints import INPUTS, label_fingerprints
from largeloss.training.run_folder import HEAD, TEACHER, RunFolder
from largeloss.training.start import start


class Fingerprints:
    """Of data as they are now; inputs that several runs share are looked at once.

    ``read`` gives the data of settings, without the images that a run has left out.
    """

    def __init__(self, read: Callable[[RunConfig], RunData] = readable_data) -> None:
        self._read = read
        self._inputs: dict[tuple[str, bytes], str] = {}

    def __call__(self, settings: RunConfig) -> dict[str, str]:
        """What it is → digest; of this process alone.

        Raises:
            DataError, LabelError: the data cannot be read.
        """
        data = self._read(settings)
        dataset = training_dataset(data, settings.method.name)
        used = np.sort(np.concatenate(list(dataset.splits.values())))
        # which labels are hidden, and which images unused, is no matter of the inputs
        other = {"observe", "observe_seed", "train_share"}
        shared = settings.data.model_dump_json(exclude=other)
        key = shared, used.tobytes()
        if key not in self._inputs:
            self._inputs[key] = dataset.source.fingerprint(used)
        labels = label_fingerprints(dataset, make_evaluators(settings, data))
        return {**labels, INPUTS: self._inputs[key]}


def resumed_settings(
    run: Path, asked: RunConfig, fingerprints: Fingerprints | None = None
) -> RunConfig:
    """The settings of ``run``, with the place of its data that is ``asked`` for; collective.

    Another place is noted in ``config.yaml``: by the first process, which alone looks at the data.

    Args:
        run: A run that was begun.
        asked: All settings to go on with.
        fingerprints: Of the data now; several runs may share them.

    Raises:
        ConfigError: as :func:`.saved_settings`; other data than the run was begun with; or another
            process is writing to the run.
        CheckpointError, RunError: the run cannot be read.
        DataError, LabelError: the data cannot be read.
    """
    start()
    saved = saved_settings(run)
    asked = as_begun(asked, saved)
    distributed.barrier()  # no process may write the file that another has yet to read
    old, new = _place(saved), _place(asked)
    if not distributed.from_main(old != new and None not in (old["path"], new["path"])):
        return going_on(run, saved, asked)
    settings = going_on(run, saved, asked.with_values(data=old))  # all else is the same
    problem = None
    if distributed.rank() == 0:
        try:
            with RunFolder(run) as folder:
                _check_same(folder, settings, new, fingerprints or Fingerprints())
                moved = saved.with_values(data=new)
                write_text(folder.config_file, checksummed_yaml(moved.plain()))
        except LargelossError as error:
            problem = error
    if problem := distributed.from_main(problem):
        raise problem
    return settings.with_values(data=new)


def _check_same(
    run: RunFolder, settings: RunConfig, new: Mapping[str, Path | None], found: Fingerprints
) -> None:
    """Makes sure that the ``new`` place holds what the run was begun with."""
    old = settings.data.path
    before = _noted(run)
    if before is None:
        raise ConfigError(
            f"{run.path} was begun with the data in {old} and has saved no epoch of it yet: "
            f"nothing tells whether {new['path']} holds the same. Start it in another folder."
        )
    now = found(settings.with_values(data=new))
    different = [what for what in now if before.get(what) != now[what]]
    if different:
        raise ConfigError(
            f"{new['path']} does not hold what {run.path} was begun with, in {old}: the "
            f"{' and the '.join(different)} are others. Name the folder that its data were moved "
            "to, or start a new run; nothing was changed."
        )


def _place(settings: RunConfig) -> dict[str, Path | None]:
    return {"path": settings.data.path, "labels": settings.data.labels}


def _noted(run: RunFolder) -> dict[str, str] | None:
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
