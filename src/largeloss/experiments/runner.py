"""Trains the runs of a grid, one after another, on data that is read once."""

from collections.abc import Callable, Sequence
from pathlib import Path

from largeloss import distributed
from largeloss.config import RunConfig, make_config
from largeloss.errors import ConfigError
from largeloss.experiments.grid import PlannedRun
from largeloss.experiments.results import ComparedRun
from largeloss.losses import check_some_method_has, settings_of
from largeloss.progress import Progress
from largeloss.runs.assemble import check
from largeloss.runs.data import DataReader, RunData
from largeloss.runs.settings import resolved, saved_settings
from largeloss.runs.settings_checks import check_before_data
from largeloss.runs.train import train
from largeloss.training.run_folder import RunFolder
from largeloss.training.start import start


class GridRunner:
    """Trains the runs of a grid; all are checked before the first.

    ``make`` gives the settings of a method, but for its Delta and the seed. Each run of ``grid``
    has its folder in ``out``. Several grids may share ``reader``.

    Raises:
        ConfigError: settings that do not go together, or that another run was begun with.
        DataError, LabelError: data that cannot be read or trained on.
    """

    def __init__(
        self,
        make: Callable[[str], RunConfig],
        grid: Sequence[PlannedRun],
        out: Path,
        progress: Progress,
        reader: DataReader,
    ) -> None:
        self.settings = {planned: _settings(make, planned) for planned in grid}
        if len({settings.model_dump_json() for settings in self.settings.values()}) < len(grid):
            raise ConfigError("Two of --methods are the same run once Δ has its default.")
        start()
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{out} cannot be written ({error}). Choose another --out.") from None
        self._out, self._progress, self._reader = out, progress, reader
        unfinished = [p for p in grid if not RunFolder(out / p.folder).finished]
        self._unfinished = frozenset(unfinished)
        self.epochs = sum(self.settings[planned].num_epochs for planned in unfinished)
        check_before_data(self.settings[planned] for planned in unfinished)
        for planned in unfinished:
            check(self.settings[planned], self.data(planned))

    def data(self, planned: PlannedRun) -> RunData:
        """What a run is trained on; read once for all runs that share it."""
        return self._reader(self.settings[planned])

    def __call__(self, planned: PlannedRun, folder: Path) -> ComparedRun:
        """Trains a run, or reads it where it is finished."""
        settings, run = self._in_one_precision(self.settings[planned]), RunFolder(folder)
        begun = distributed.from_main(run.config_file.is_file())
        if begun:
            saved_settings(folder, settings)
        if begun and run.finished:
            self._progress.remark(f"{folder} is finished; nothing is left to do.")
        result = train(
            settings,
            folder,
            resume=begun,
            data=None if run.finished else self.data(planned),
            listener=self._progress.listener(f"{planned.folder:<16}"),
            introduce=False,
        )
        if planned in self._unfinished and not planned.seed:  # once a method
            told = self.data(planned).reference.notes
            for text in result.notes:
                if text not in told:
                    self._progress.remark(text)
        self._progress.message(
            f"{planned.folder:<16}  test mAP {result.test_map:.1f}  {result.seconds:.0f} s"
        )
        return ComparedRun.of(result)

    def _in_one_precision(self, settings: RunConfig) -> RunConfig:
        """In the precision of the runs that are there already, so that all can be compared."""
        if settings.training.precision == "auto":
            for planned in self.settings:
                folder = self._out / planned.folder
                if distributed.from_main(RunFolder(folder).config_file.is_file()):
                    found = saved_settings(folder).training.precision
                    return settings.with_values(training={"precision": found})
        return settings


def _settings(make: Callable[[str], RunConfig], planned: PlannedRun) -> RunConfig:
    """With the run's Delta and seed, without settings that its method does not have."""
    base, known = make(planned.variant.method), settings_of(planned.variant.method)
    given = base.method.given()
    check_some_method_has(given)
    method = {name: value for name, value in given.items() if name in known}
    method["name"] = planned.variant.method
    if planned.variant.delta_rel is not None:
        method["delta_rel"] = planned.variant.delta_rel
    training = base.training.model_dump() | {"seed": planned.seed}
    return resolved(make_config([base.plain() | {"method": method, "training": training}]))
