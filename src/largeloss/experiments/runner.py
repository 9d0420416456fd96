"""Trains runs, one after another, on data that is read once."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from largeloss import distributed
from largeloss.config import RunConfig, make_config
from largeloss.errors import ConfigError
from largeloss.experiments.grid import PlannedRun
from largeloss.experiments.results import ComparedRun
from largeloss.experiments.variant import Variant
from largeloss.losses import check_some_method_has, settings_of
from largeloss.progress import Progress
from largeloss.runs.assemble import check, make_evaluators
from largeloss.runs.choice import check_observed
from largeloss.runs.data import DataReader, RunData
from largeloss.runs.moved import Fingerprints, resumed_settings
from largeloss.runs.result import RunResult
from largeloss.runs.settings import fitting, resolved, saved_settings
from largeloss.runs.settings_checks import check_before_data
from largeloss.runs.tracking import tracked
from largeloss.runs.train import train
from largeloss.runs.training_labels import training_dataset
from largeloss.training.evaluation import Evaluators
from largeloss.training.fingerprints import label_fingerprints
from largeloss.training.listener import Listener
from largeloss.training.run_folder import RunFolder, is_run
from largeloss.training.start import start


class Runner:
    """Trains runs; all are checked before the first.

    ``settings`` are those of each run by the name of its folder in ``out``. Several may share
    ``reader``. ``check_splits`` refuses val or test that is not fit for what the runs are for.

    Raises:
        ConfigError: settings that do not go together; a run that was begun with other settings, or
            that is finished and was trained with other labels.
        DataError, LabelError: data that cannot be read or trained on.
    """

    def __init__(
        self,
        settings: Mapping[str, RunConfig],
        out: Path,
        progress: Progress,
        reader: DataReader,
        check_splits: Callable[[Evaluators], None],
    ) -> None:
        start()
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{out} cannot be written ({error}). Choose another --out.") from None
        self._out, self._progress, self._reader = out, progress, reader
        self._check_splits = check_splits
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
                    self._check_labels(name)
        for name in unfinished:
            check(added[name], self._reader.opened(added[name]))  # decoding images may take hours
        for name in unfinished[:1]:  # val and test are the same for all
            opened = self._reader.opened(added[name])
            self._check_splits(make_evaluators(added[name], opened))
        work = 0.0
        for name in unfinished:
            check(added[name], self.data(name))
            work += added[name].work
        return work

    def data(self, name: str) -> RunData:
        """What a run is trained on; read once for all runs that share it."""
        return self._reader(self.settings[name])

    def train(self, name: str) -> RunResult:
        """Trains a run, or reads it where it is finished."""
        folder, settings = self._out / name, self._in_one_precision(self.settings[name])
        shown = self._progress.listener(f"{name:<16}", settings.data.train_share)
        group = self._out.resolve().name
        with tracked(settings, folder, shown, group) as listener:
            return self._train(name, folder, settings, listener)

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

    def _check_labels(self, name: str) -> None:
        """A finished run is compared with those that are trained now: by the same labels.

        Raises:
            ConfigError: it was trained with others.
        """
        settings, folder = self.settings[name], self._out / name
        data = self._looked_at(settings)
        trained_on = training_dataset(data, settings.method.name)
        now = label_fingerprints(trained_on, make_evaluators(settings, data))
        before = RunResult.read(folder).fingerprints
        different = [what for what in now if before.get(what) != now[what]]
        if different:
            raise ConfigError(
                f"{folder} is finished, but its {' and '.join(different)} are not those of the "
                "data now: labels or splits have changed since. Runs that are compared need the "
                "same labels: restore them, or choose another --out to train all runs again."
            )

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
    seed.

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
    ) -> None:
        self._progress = progress
        settings = planned_settings(make, grid, vary_labels)
        self._runner = Runner(settings, out, progress, reader, _check_test)
        self.work = self._runner.work

    def data(self, planned: PlannedRun) -> RunData:
        """What a run is trained on."""
        return self._runner.data(planned.folder)

    def __call__(self, planned: PlannedRun, folder: Path) -> ComparedRun:
        """Trains a run, or reads it where it is finished."""
        result = self._runner.train(planned.folder)
        self._progress.message(
            f"{planned.folder:<16}  test mAP {result.test_map:.1f}  {result.seconds:.0f} s"
        )
        return ComparedRun.of(result, self._runner.settings[planned.folder].data.train_share)


def _check_test(evaluators: Evaluators) -> None:
    check_observed(evaluators.test, "Methods cannot be compared on test")


def planned_settings(
    make: Callable[[Variant], RunConfig], grid: Sequence[PlannedRun], vary_labels: bool = False
) -> dict[str, RunConfig]:
    """The resolved settings of the runs of a grid, by folder; ``make`` as of :class:`GridRunner`.

    Raises:
        ConfigError: settings that do not go together, or two runs that are the same.
    """
    settings = {planned.folder: _settings(make, planned, vary_labels) for planned in grid}
    if len({given.model_dump_json() for given in settings.values()}) < len(grid):
        raise ConfigError("Two of --methods are the same run once Δ has its default.")
    return settings


def with_method(base: RunConfig, method: str, own: Mapping[str, object]) -> RunConfig:
    """``base`` with a method and settings of its ``own``, without those that it does not have."""
    method = fitting(method, base)
    given, known = base.method.given(), settings_of(method)
    check_some_method_has(given)
    kept = {name: value for name, value in given.items() if name in known}
    return make_config([base.plain() | {"method": {**kept, "name": method, **own}}])


def with_share(settings: RunConfig, share: float) -> RunConfig:
    """``settings`` on a share of the training images, in as many steps: 1/``share`` × the epochs.

    In as many epochs, a tenth of the images would be trained on in a tenth of the steps, and what
    more labels are worth would be mixed up with what more training is.

    Raises:
        ConfigError: ``settings`` has a share already.
    """
    if settings.data.train_share != 1:
        raise ConfigError(
            f"--complete tries shares of the training images, and data.train_share is "
            f"{settings.data.train_share:g} already. Leave one of them out."
        )
    training = settings.training
    return settings.with_values(
        data={"train_share": share},
        training={
            "epochs": round(training.epochs / share),
            "head_epochs": round(training.head_epochs / share),
        },
    )


def _settings(
    make: Callable[[Variant], RunConfig], planned: PlannedRun, vary_labels: bool
) -> RunConfig:
    """With the run's Delta, share and seed, without settings that its method does not have."""
    variant = planned.variant
    base = make(variant)
    own: dict[str, object] = {} if variant.delta_rel is None else {"delta_rel": variant.delta_rel}
    made = with_method(base, variant.method, own)
    if resolved(made).method.delta_rel != "auto":
        made = made.with_values(method={"missing": None})  # it is of Δ auto
    if variant.share is not None:
        made = with_share(made, variant.share)
    labels = {"observe_seed": made.data.observe_seed + planned.seed} if vary_labels else {}
    return resolved(made.with_values(training={"seed": planned.seed}, data=labels))
