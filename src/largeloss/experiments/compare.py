"""Several methods on the same data with the same seeds: planned, checked, trained."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from largeloss.config import RunConfig
from largeloss.errors import LargelossError
from largeloss.experiments.earlier import Row, remark_on_lost
from largeloss.experiments.fitted import fitted_names
from largeloss.experiments.grid import plan, run_grid
from largeloss.experiments.out_folder import COMPARE, check_group
from largeloss.experiments.results import Comparison
from largeloss.experiments.runner import GridRunner
from largeloss.experiments.tuned import Tuning
from largeloss.experiments.variant import Variant
from largeloss.experiments.worth import checked_shares
from largeloss.losses import FullLabel
from largeloss.progress import Progress
from largeloss.runs.data import DataReader, decoded
from largeloss.runs.file_names import COMPARISON


@dataclass(frozen=True)
class ComparedRuns:
    """A comparison, and where its runs are."""

    comparison: Comparison
    out: Path
    folders: tuple[Path, ...]
    reader: DataReader
    """Has the data of the runs."""


def compare(
    make: Callable[[Variant], RunConfig],
    variants: Sequence[Variant],
    num_seeds: int,
    out: Path,
    progress: Progress,
    vary_labels: bool = False,
    complete: Sequence[float] = (),
    tuned: Tuning | None = None,
) -> ComparedRuns:
    """Trains what is not finished yet, in one folder per run in ``out``; writes ``results.json``.

    Args:
        make: Gives the settings of a method, but for its Delta, its share and the seed.
        variants: The methods.
        num_seeds: Runs of each.
        out: Holds one folder per run.
        progress: Is told how it goes on.
        vary_labels: Whether the seed also draws which labels are hidden, and the shares' images.
        complete: Shares of the training images on which full labels are tried, too.
        tuned: Has the learning rate and the own setting of each method.

    Raises:
        InputError: settings or data that cannot be used; nothing was trained.
        RunError: a run failed, or was stopped.
    """
    shares = [Variant(FullLabel.name, share=share) for share in checked_shares(complete)]
    plan(variants, num_seeds)  # what is wrong with them is told before data are read
    check_group(out, COMPARE)
    reader = DataReader(decoded, progress.remark)
    methods = [variant.method for variant in variants]
    names = fitted_names(methods, lambda name: make(Variant(name)), reader, progress.remark)
    fitted = [replace(one, method=name) for one, name in zip(variants, names, strict=True)]
    grid = plan([*fitted, *shares], num_seeds)
    chosen_on = {}
    if tuned is not None:
        make = _chosen(make, tuned)
        # of other seeds, the labels may be others
        first = [run for run in grid if run.seed == 0]
        chosen_on = {run.folder: tuned.found(run.variant).fingerprints for run in first}
    runner = GridRunner(make, grid, out, progress, reader, vary_labels, chosen_on)
    if vary_labels and not runner.uses_observe_seed:
        progress.remark(
            "--vary-labels changes nothing here: no labels are hidden (--observe), and all images "
            "are trained on. The runs differ by their training seed alone."
        )
    if text := remark_on_lost(COMPARISON, _listed(out), runner.rows):
        progress.remark(text)
    progress.expect(runner.work)
    return ComparedRuns(
        run_grid(grid, out, runner, runner.finished),
        out,
        tuple(out / run.folder for run in grid),
        reader,
    )


def _chosen(make: Callable[[Variant], RunConfig], tuned: Tuning) -> Callable[[Variant], RunConfig]:
    return lambda variant: tuned.applied(variant, make(variant))


def _listed(out: Path) -> list[Row]:
    """What ``results.json`` has; nothing where there is none that can be read."""
    try:
        runs = Comparison.read(out / COMPARISON).runs
    except LargelossError:
        return []
    return [(run.method, run.delta_rel, run.share) for run in runs]
