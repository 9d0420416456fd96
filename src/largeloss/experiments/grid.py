"""A grid of runs: methods × seeds, one folder per run. Finished runs are not repeated."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from largeloss import distributed
from largeloss.errors import ConfigError
from largeloss.experiments.results import ComparedRun, Comparison
from largeloss.experiments.variant import Variant
from largeloss.runs.arguments import check_number
from largeloss.runs.file_names import COMPARISON


@dataclass(frozen=True)
class PlannedRun:
    """One run of a grid."""

    variant: Variant
    seed: int

    @property
    def folder(self) -> str:
        """Name of the run's folder."""
        return f"{self.variant.label}-seed{self.seed}"


def plan(variants: Sequence[Variant], num_seeds: int) -> list[PlannedRun]:
    """All runs, seed by seed: a grid that is interrupted early has every method.

    Raises:
        ConfigError: no method, no seed, or a method twice with the same Δ.
    """
    check_number("seeds", num_seeds, 1)
    if not variants:
        raise ConfigError("A comparison needs at least one method, but none is named.")
    if len({variant.label for variant in variants}) < len(variants):  # the names of folders
        raise ConfigError("A method is named twice with the same Δ. Name each method once.")
    return [PlannedRun(variant, seed) for seed in range(num_seeds) for variant in variants]


def run_grid(
    grid: Sequence[PlannedRun],
    out: Path,
    run_one: Callable[[PlannedRun, Path], ComparedRun],
    finished: Callable[[PlannedRun], ComparedRun | None],
) -> Comparison:
    """Runs the grid; after every run ``results.json`` has all of its runs that are finished.

    ``run_one`` trains a run in its folder in ``out``, or reads its result if it is finished;
    ``finished`` gives the result of such a run without a word, and None of others.
    """
    results = {planned: finished(planned) for planned in grid}
    for planned in grid:
        results[planned] = run_one(planned, out / planned.folder)
        if distributed.rank() == 0:
            Comparison.of([run for run in results.values() if run]).write(out / COMPARISON)
    return Comparison.of([run for run in results.values() if run])
