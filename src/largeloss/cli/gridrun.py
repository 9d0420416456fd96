"""What ``compare`` and ``demo`` share: runs of a grid, and curves of what they did."""

import csv
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from largeloss import distributed
from largeloss.cli import execute
from largeloss.cli.console import note, say
from largeloss.cli.console import out as screen
from largeloss.cli.prepare import (
    TrainingData,
    check,
    load_data,
    method_settings,
    with_absolute_paths,
)
from largeloss.cli.progress import Clock, Progressing
from largeloss.config import RunConfig, make_config
from largeloss.errors import ConfigError
from largeloss.experiments.grid import Planned
from largeloss.experiments.results import RunResult
from largeloss.report import (
    METHOD_TITLES,
    Curve,
    ReportPage,
    comparison_markdown,
    comparison_table,
    write_report,
)
from largeloss.training.protocols import start
from largeloss.training.run import RunFolder


class GridRunner:
    """Trains the runs of a grid one after another, on data that is read once.

    Args:
        make: Gives the settings of a method, but for its Delta and the seed.
        grid: What is to be run.
        out: Holds a folder a run.
        reads: What was read already, shared between grids; what this one reads is added.
    """

    def __init__(
        self,
        make: Callable[[str], RunConfig],
        grid: Sequence[Planned],
        out: Path,
        reads: dict[str, TrainingData] | None = None,
    ) -> None:
        self.configs = {planned: _config(make(planned.variant.method), planned) for planned in grid}
        if len({config.model_dump_json() for config in self.configs.values()}) < len(grid):
            raise ConfigError("Two of --methods are the same run once Δ has its default.")
        start(self.configs[grid[0]].training.precision)
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{out} cannot be written ({error}). Choose another --out.") from None
        self._data = {} if reads is None else reads
        open_runs = [p for p in grid if not RunFolder(out / p.folder).finished]
        self.clock = Clock(sum(self.configs[planned].num_epochs for planned in open_runs))
        self._open = frozenset(open_runs)
        for planned in open_runs:
            check(self.configs[planned], self.data(planned))

    def data(self, planned: Planned) -> TrainingData:
        """What a run is trained on; read once for all runs that share it."""
        config = self.configs[planned]
        key = f"{config.data.model_dump_json()} {config.model.image_size}"
        if key not in self._data:
            self._data[key] = load_data(config)
            for text in self._data[key].given.notes:
                note(text)
        return self._data[key]

    def _remarks(self, planned: Planned, result: Mapping[str, Any]) -> list[str]:
        """What a run says of its labels and settings, once a method."""
        if planned.seed or planned not in self._open:
            return []
        said = self.data(planned).given.notes
        return [text for text in result["notes"] if text not in said]

    def listener(self, planned: Planned, config: RunConfig) -> Progressing:
        """Shows how a run goes on."""
        return Progressing(f"{planned.folder:<16}", self.clock)

    def facts(self) -> tuple[tuple[str, str], ...]:
        """Settings and environment, for the report."""
        settings = [config.plain() for config in self.configs.values()]
        named = {
            f"{section}.{name}": value
            for section in ("data", "model", "training")
            for name, value in settings[0][section].items()
            if value not in (None, {}, "") and all(s[section][name] == value for s in settings)
        }
        return tuple((k, str(v)) for k, v in (named | execute.environment()).items())

    def __call__(self, planned: Planned, folder: Path) -> RunResult:
        config = self.configs[planned]
        run = RunFolder(folder)
        begun = distributed.from_main(run.config_file.is_file())
        if begun:
            execute.saved_config(folder, with_absolute_paths(config))
        finished = execute.execute(
            config,
            folder,
            resume=begun,
            data=None if run.finished else self.data(planned),
            listener=self.listener(planned, config),
        )
        for text in (*finished.notes, *self._remarks(planned, finished.result)):
            note(text)
        result = finished.summary
        say(f"{planned.folder:<16}  test mAP {result.test_map:.1f}  {result.seconds:.0f} s")
        return result


def _config(base: RunConfig, planned: Planned) -> RunConfig:
    """``base`` with the run's Delta and seed, without settings that its method does not have."""
    known = method_settings(planned.variant.method)
    method = {name: value for name, value in base.method.given().items() if name in known}
    method["name"] = planned.variant.method
    if planned.variant.delta_rel is not None:
        method["delta_rel"] = planned.variant.delta_rel
    training = base.training.model_dump() | {"seed": planned.seed}
    return make_config([base.plain() | {"method": method, "training": training}])


def curves(out: Path, grid: Sequence[Planned], column: str) -> tuple[Curve, ...]:
    """A column of ``metrics.csv`` over epochs, averaged over seeds, a curve a method."""
    collected: dict[str, list[list[float]]] = {}
    for planned in grid:
        delta = planned.variant.delta_rel
        title = METHOD_TITLES.get(planned.variant.method, planned.variant.method)
        label = title if delta is None else f"{title} Δ {delta:g} %"
        with (out / planned.folder / "metrics.csv").open(encoding="utf-8", newline="") as file:
            values = [float(record[column]) for record in csv.DictReader(file)]
        collected.setdefault(label, []).append(values)
    found = []
    for label, runs in collected.items():
        length = min(map(len, runs))  # runs may stop early
        points = list(zip(*(run[:length] for run in runs), strict=True))
        band = len(runs) > 1
        found.append(
            Curve(
                label,
                tuple(range(length)),
                tuple(statistics.fmean(point) for point in points),
                tuple(min(point) for point in points) if band else None,
                tuple(max(point) for point in points) if band else None,
            )
        )
    return tuple(found)


def conclude(out: Path, page: ReportPage) -> None:
    """Prints the table; writes ``table.md`` and ``report.html`` beside ``results.json``."""
    screen.print(comparison_table(page.comparison))
    if distributed.rank() == 0:
        (out / "table.md").write_text(comparison_markdown(page.comparison), encoding="utf-8")
        write_report(out / "report.html", page)
    say(f"Figures: {out / 'results.json'}   Report, to open in a browser: {out / 'report.html'}")
