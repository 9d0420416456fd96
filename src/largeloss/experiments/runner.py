"""Trains runs, one after another, on data that is read once."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from largeloss import distributed
from largeloss.config import RunConfig
from largeloss.errors import ConfigError, LargelossError, RunError
from largeloss.experiments.earlier import Row
from largeloss.experiments.grid import PlannedRun
from largeloss.experiments.results import ComparedRun
from largeloss.experiments.run_settings import (
    check_chosen,
    check_varied,
    in_as_many_steps,
    planned_settings,
)
from largeloss.experiments.variant import Variant
from largeloss.progress import Progress
from largeloss.runs.assemble import check, make_evaluators
from largeloss.runs.choice import check_observed
from largeloss.runs.data import DataReader, RunData
from largeloss.runs.moved import Fingerprints, resumed_settings
from largeloss.runs.network import start_weights
from largeloss.runs.result import RunResult
from largeloss.runs.settings import resolved, saved_settings
from largeloss.runs.settings_checks import check_before_data
from largeloss.runs.tracking import tracked
from largeloss.runs.train import train
from largeloss.training.evaluation import Evaluators
from largeloss.training.fingerprints import START_WEIGHTS
from largeloss.training.listener import Listener
from largeloss.training.run_folder import RunFolder, is_run
from largeloss.training.start import start


class Runner:
    """Trains runs; all are checked before the first.

    ``settings`` are those of each run by the name of its folder in ``out``. Several may share
    ``reader``. ``check_splits`` refuses val or test that is not fit for what the runs are for.
    ``chosen_on`` has the fingerprints of what settings were chosen on, by folder, where they were.

    Raises:
        ConfigError: settings that do not go together; a run that was begun with other settings, or
            that is finished and was trained on other labels, inputs or start weights; settings
            that were chosen on others.
        DataError, LabelError: data that cannot be read or trained on.
    """

    def __init__(
        self,
        settings: Mapping[str, RunConfig],
        out: Path,
        progress: Progress,
        reader: DataReader,
        check_splits: Callable[[Evaluators], None],
        chosen_on: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        start()
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{out} cannot be written ({error}). Choose another --out.") from None
        self._out, self._progress, self._reader = out, progress, reader
        self._check_splits, self._chosen_on = check_splits, chosen_on or {}
        self.settings: dict[str, RunConfig] = {}
        self._told: set[str] = set()  # methods whose remarks were shown
        self._fingerprints = Fingerprints(self._looked_at)
        self.work = self.add(settings)

    def add(self, settings: Mapping[str, RunConfig]) -> float:
        """Further runs, which are checked; returned is the work that they have to go, in epochs of
        all training images.

        Raises:
            ConfigError, DataError, LabelError: as of the class.
        """
        added = {name: resolved(given) for name, given in settings.items()}
        unfinished = [name for name in added if not RunFolder(self._out / name).finished]
        check_before_data(added[name] for name in unfinished)
        self.settings |= added
        for name in added:
            if self._begun(name):
                given = self._in_one_precision(added[name])
                resumed_settings(self._out / name, given, self._fingerprints)
                if name not in unfinished:
                    self._check_finished(name)
            self._check_chosen(name)
        for name in unfinished:
            check(added[name], self._reader.opened(added[name]))  # decoding images may take hours
        for name in unfinished[:1]:  # val and test are the same for all
            opened = self._reader.opened(added[name])
            self._check_splits(make_evaluators(added[name], opened))
        work = 0.0
        for name in unfinished:
            check(added[name], self.data(name))  # again, without images that are left out
            work += added[name].work
        return work

    def data(self, name: str) -> RunData:
        """What a run is trained on; read once for all runs that share it."""
        return self._reader(self.settings[name])

    def train(self, name: str) -> RunResult:
        """Trains a run, or reads it where it is finished.

        Raises:
            RunError: the run failed or was stopped; the message begins with its name.
        """
        folder, settings = self._out / name, self._in_one_precision(self.settings[name])
        shown = self._progress.listener(f"{name:<16}", settings.data.train_share)
        group = self._out.resolve().name
        try:
            with tracked(settings, folder, shown, group) as listener:
                return self._train(name, folder, settings, listener)
        except RunError as error:
            if name not in str(error):
                error.args = (f"{name}: {error}", *error.args[1:])
            raise

    def _train(self, name: str, folder: Path, settings: RunConfig, listener: Listener) -> RunResult:
        run = RunFolder(folder)
        begun = self._begun(name)
        if begun:
            saved_settings(folder, settings)
        if begun and run.finished:
            self._progress.remark(f"{folder} is finished; nothing is left to do.")
            return RunResult.read(folder)
        result = train(
            settings,
            folder,
            resume=begun,
            data=self.data(name),
            listener=listener,
            introduce=False,
        )
        if settings.method.name not in self._told:
            self._told.add(settings.method.name)
            told = self.data(name).reference.notes
            for text in result.notes:
                if text not in told:
                    self._progress.remark(text)
        return result

    def _begun(self, name: str) -> bool:
        return distributed.from_main(is_run(self._out / name))

    def _check_finished(self, name: str) -> None:
        """A finished run is compared with those that are trained now: on the same data.

        Raises:
            ConfigError: it was trained on others; or its epoch was chosen by what chooses no more.
        """
        folder = self._out / name
        result = RunResult.read(folder)
        by_map = result.val_rule == "assume-absent" and result.val_log_rank is None
        if result.chosen_on_val and by_map:
            raise ConfigError(
                f"{folder} was trained by an earlier version of largeloss, which did not choose "
                "the epoch by log rank. Choose another --out, or remove the folder to train it "
                "again."
            )
        different = self._different(name, result.fingerprints)
        if different:
            raise ConfigError(
                f"{folder} is finished, but its {' and '.join(different)} have changed since. Runs "
                "that are compared need the same labels, images (or features) and start weights: "
                "restore them, or choose another --out to train all runs again."
            )

    def _check_chosen(self, name: str) -> None:
        """Settings that were chosen by a search are for the data of the search.

        Raises:
            ConfigError: the data are others.
        """
        different = self._different(name, self._chosen_on.get(name, {}))
        if different:
            raise ConfigError(
                f"--tuned was chosen on other data: of {name}, the {' and the '.join(different)} "
                "are not those of the search. Give the same data, search again on these (largeloss "
                "tune with another --out), or leave out --tuned."
            )

    def _different(self, name: str, before: Mapping[str, str]) -> list[str]:
        """What a run would be trained on that is not as noted ``before``; collective.

        The first process alone looks at the data. What earlier versions did not note is taken as
        it is.

        Raises:
            DataError, LabelError: the data cannot be read.
        """
        if not before:
            return []
        found: list[str] | LargelossError = []
        if distributed.rank() == 0:
            try:
                settings = self.settings[name]
                now = self._fingerprints(settings)
                shape = self._reader.opened(settings).reference.source.sample_shape
                now[START_WEIGHTS] = start_weights(settings, shape)
                found = [what for what in now if before.get(what, now[what]) != now[what]]
            except LargelossError as error:
                found = error
        found = distributed.from_main(found)
        if isinstance(found, LargelossError):
            raise found
        return found

    def _looked_at(self, settings: RunConfig) -> RunData:
        """Its data, without the images that are left out: which ones, only decoding tells."""
        skips = settings.data.bad_images == "skip"
        return self._reader(settings) if skips else self._reader.opened(settings)

    def _in_one_precision(self, settings: RunConfig) -> RunConfig:
        """In the precision of the runs that are there already, so that all can be compared."""
        if settings.training.precision == "auto":
            there = sorted(folder for folder in self._out.glob("*") if is_run(folder))
            if first := distributed.from_main(there[0] if there else None):
                found = saved_settings(first).training.precision
                return settings.with_values(training={"precision": found})
        return settings


class GridRunner:
    """Trains the runs of a grid in ``out``; all are checked before the first.

    ``make`` gives the settings of a method, but for its Delta, its share of the images and the
    seed; ``chosen_on`` as of :class:`Runner`.

    Raises:
        ConfigError, DataError, LabelError: as :class:`Runner`.
    """

    def __init__(
        self,
        make: Callable[[Variant], RunConfig],
        grid: Sequence[PlannedRun],
        out: Path,
        progress: Progress,
        reader: DataReader,
        vary_labels: bool = False,
        chosen_on: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self._progress, self._out = progress, out
        settings = planned_settings(make, grid, vary_labels)
        shares = {run.folder: settings[run.folder] for run in grid if run.variant.share is not None}
        settings |= in_as_many_steps(shares, out, reader)
        check_varied(grid, settings, out, vary_labels)
        if chosen_on is not None:
            check_chosen(settings, out)
        self._runner = Runner(settings, out, progress, reader, _check_test, chosen_on)
        self.work = self._runner.work

    @property
    def rows(self) -> list[Row]:
        """Method, Delta and share of each run."""
        return [
            (one.method.name, one.method.delta_rel, one.data.train_share)
            for one in self._runner.settings.values()
        ]

    @property
    def uses_observe_seed(self) -> bool:
        """Whether a run hides labels, or leaves out images."""
        data = [one.data for one in self._runner.settings.values()]
        return any(one.observe is not None or one.train_share != 1 for one in data)

    def data(self, planned: PlannedRun) -> RunData:
        """What a run is trained on."""
        return self._runner.data(planned.folder)

    def __call__(self, planned: PlannedRun, folder: Path) -> ComparedRun:
        """Trains a run, or reads it where it is finished."""
        run = self._compared(planned, self._runner.train(planned.folder))
        figure = f"{run.test_split} mAP {run.test_map:.1f}"
        self._progress.message(f"{planned.folder:<16}  {figure}  {run.seconds:.0f} s")
        return run

    def finished(self, planned: PlannedRun) -> ComparedRun | None:
        """A run that is finished; None of others."""
        folder = self._out / planned.folder
        if not RunFolder(folder).finished:
            return None
        return self._compared(planned, RunResult.read(folder))

    def _compared(self, planned: PlannedRun, result: RunResult) -> ComparedRun:
        share = self._runner.settings[planned.folder].data.train_share
        return ComparedRun.of(result, share)


def _check_test(evaluators: Evaluators) -> None:
    check_observed(evaluators.test, "Methods cannot be compared on test")
