"""Learning curves, as ``metrics.csv`` holds them."""

import csv
import math
import statistics
from collections.abc import Sequence
from pathlib import Path

from largeloss.errors import RunError
from largeloss.report.figures import Curve
from largeloss.runs.settings import saved_settings
from largeloss.training.run_folder import RunFolder


def column(run: Path, name: str) -> tuple[float, ...]:
    """A column of ``metrics.csv``, NaN where nothing was measured; empty where the run has none of
    that name.

    Raises:
        RunError: the file cannot be read, or is not as it was written.
    """
    path = RunFolder(run).metrics_file
    RunFolder(run).check(path)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = csv.DictReader(file)
            return tuple(
                math.nan if record[name] == "" else float(record[name])
                for record in lines
                if name in record
            )
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise RunError(f"{path} cannot be read ({error}).") from None


def history(run: Path) -> dict[str, list[float | None]]:
    """All columns of ``metrics.csv``, None where nothing was measured; errors as :func:`column`."""
    head, _, _ = RunFolder(run).metrics_file.read_text(encoding="utf-8").partition("\n")
    columns = {name: column(run, name) for name in head.strip().split(",")}
    found = {
        name: [None if math.isnan(value) else value for value in values]
        for name, values in columns.items()
    }
    return found | {"epoch": [int(epoch) for epoch in columns["epoch"]]}


def mean_curve(label: str, runs: Sequence[Path], name: str) -> Curve:
    """A column averaged over seeds, with the band from the lowest to the highest.

    A curve goes on to the last epoch of any seed; where one has stopped, the others are averaged.
    """
    columns = [column(run, name) for run in runs]
    epochs = range(max(map(len, columns)))
    points = [[values[epoch] for values in columns if epoch < len(values)] for epoch in epochs]
    low, high = (tuple(map(end, points)) if len(columns) > 1 else None for end in (min, max))
    means = tuple(map(statistics.fmean, points))
    return Curve(label, tuple(epochs), means, low, high, ends=ends(runs))


def ends(runs: Sequence[Path]) -> tuple[int, ...]:
    """The last epochs of the runs that stopped early, ascending."""
    last = {run: len(column(run, "epoch")) - 1 for run in runs}
    planned = {run: saved_settings(run).training.epochs for run in runs}
    return tuple(sorted({epoch for run, epoch in last.items() if epoch + 1 < planned[run]}))
