"""What ``compare`` and ``demo`` share: the runs of a grid, and what is written at their end."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from largeloss import distributed
from largeloss.cli import execute
from largeloss.cli.console import note, say
from largeloss.cli.console import out as screen
from largeloss.cli.pages.comparison import Said, comparison_page
from largeloss.cli.pages.reading import Reading, key
from largeloss.cli.prepare import (
    RunData,
    check,
    load_data,
    method_settings,
    with_absolute_paths,
)
from largeloss.cli.progress import Clock, Progressing
from largeloss.config import RunConfig, make_config
from largeloss.errors import ConfigError
from largeloss.experiments.grid import Planned
from largeloss.experiments.results import Comparison, RunResult
from largeloss.files import write_text
from largeloss.report import comparison_markdown, comparison_table, write_report
from largeloss.report.tables import phase_table
from largeloss.report.trends import PHASES_LEGEND, phases
from largeloss.training.protocols import join
from largeloss.training.run_folder import RunFolder


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
        reads: dict[str, RunData] | None = None,
    ) -> None:
        self.configs = {planned: _config(make(planned.variant.method), planned) for planned in grid}
        if len({config.model_dump_json() for config in self.configs.values()}) < len(grid):
            raise ConfigError("Two of --methods are the same run once Δ has its default.")
        join()
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{out} cannot be written ({error}). Choose another --out.") from None
        self.reads = {} if reads is None else reads
        open_runs = [p for p in grid if not RunFolder(out / p.folder).finished]
        self.clock = Clock(sum(self.configs[planned].num_epochs for planned in open_runs))
        self._open, self._out = frozenset(open_runs), out
        for planned in open_runs:
            check(self.configs[planned], self.data(planned))

    def _alike(self, config: RunConfig) -> RunConfig:
        """In the precision of the runs that are there already, so that all can be compared."""
        if config.training.precision == "auto":
            for planned in self.configs:
                folder = self._out / planned.folder
                if distributed.from_main(RunFolder(folder).config_file.is_file()):
                    settled = execute.saved_config(folder).training.precision
                    return config if settled == "auto" else config.in_precision(settled)
        return config

    def data(self, planned: Planned) -> RunData:
        """What a run is trained on; read once for all runs that share it."""
        config = self.configs[planned]
        wanted = key(config)
        if wanted not in self.reads:
            self.reads[wanted] = load_data(config)
            for text in self.reads[wanted].reference.notes:
                note(text)
        return self.reads[wanted]

    def _remarks(self, planned: Planned, result: Mapping[str, Any]) -> list[str]:
        """What a run says of its labels and settings, once a method."""
        if planned.seed or planned not in self._open:
            return []
        said = self.data(planned).reference.notes
        return [text for text in result["notes"] if text not in said]

    def listener(self, planned: Planned, config: RunConfig) -> Progressing:
        """Shows how a run goes on."""
        return Progressing(f"{planned.folder:<16}", self.clock)

    def __call__(self, planned: Planned, folder: Path) -> RunResult:
        config = self._alike(self.configs[planned])
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


def conclude(
    grid: Sequence[Planned], out: Path, comparison: Comparison, runner: GridRunner, said: Said
) -> None:
    """Prints the table; writes ``table.md`` and ``report.html`` beside ``results.json``."""
    screen.print(comparison_table(comparison))
    if distributed.rank() == 0:
        write_text(out / "table.md", comparison_markdown(comparison))
        folders = [out / planned.folder for planned in grid]
        page = comparison_page(comparison, folders, Reading(runner.reads), said)
        write_report(out / "report.html", page)
        if page.memorization:
            screen.print("", phase_table(phases(page.memorization)), PHASES_LEGEND, "")
    say(f"Figures: {out / 'results.json'}   Report, to open in a browser: {out / 'report.html'}")
