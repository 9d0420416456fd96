"""Several methods on the same data with the same seeds: planned, checked, trained."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from largeloss.config import RunConfig
from largeloss.experiments.grid import Variant, plan, run_grid
from largeloss.experiments.results import Comparison
from largeloss.experiments.runner import GridRunner
from largeloss.progress import Progress
from largeloss.runs.data import DataReader, load_data


@dataclass(frozen=True)
class ComparedRuns:
    """A comparison, and where its runs are."""

    comparison: Comparison
    out: Path
    folders: tuple[Path, ...]
    reader: DataReader
    """Has the data of the runs."""


def parse_methods(text: str) -> list[Variant]:
    """The methods in ``full,an,ll-r:0.5``; errors as :meth:`Variant.parse`."""
    return [Variant.parse(part) for part in text.split(",") if part.strip()]


def compare(
    make: Callable[[str], RunConfig],
    variants: Sequence[Variant],
    num_seeds: int,
    out: Path,
    progress: Progress,
    vary_labels: bool = False,
) -> ComparedRuns:
    """Trains what is not finished yet, in a folder a run in ``out``; writes ``results.json``.

    ``make`` gives the settings of a method, but for its Delta and the seed. With ``vary_labels``
    the seed also draws which labels are hidden, where labels are hidden.

    Raises:
        InputError: settings or data that cannot be used; nothing was trained.
        RunError: a run failed, or was stopped.
    """
    grid = plan(variants, num_seeds)
    reader = DataReader(load_data, progress.remark)
    runner = GridRunner(make, grid, out, progress, reader, vary_labels)
    progress.expect(runner.epochs)
    return ComparedRuns(
        run_grid(grid, out, runner), out, tuple(out / run.folder for run in grid), reader
    )
