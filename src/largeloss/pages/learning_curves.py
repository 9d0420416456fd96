"""Learning curves, as ``metrics.csv`` holds them."""

import csv
import statistics
from collections.abc import Sequence
from pathlib import Path

from largeloss.errors import RunError
from largeloss.report.figures import Curve
from largeloss.training.run_folder import RunFolder


def column(run: Path, name: str) -> tuple[float, ...]:
    """A column of ``metrics.csv``; empty where the run has none of that name.

    Raises:
        RunError: the file cannot be read, or is not as it was written.
    """
    path = RunFolder(run).metrics_file
    RunFolder(run).check(path)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return tuple(float(record[name]) for record in csv.DictReader(file) if name in record)
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise RunError(f"{path} cannot be read ({error}).") from None


def mean_curve(label: str, runs: Sequence[Path], name: str) -> Curve:
    """A column averaged over seeds, with the band from the lowest to the highest."""
    columns = [column(run, name) for run in runs]
    length = min(map(len, columns))  # runs may stop early
    points = list(zip(*(values[:length] for values in columns), strict=True))
    low, high = (tuple(map(end, points)) if len(columns) > 1 else None for end in (min, max))
    return Curve(label, tuple(range(length)), tuple(map(statistics.fmean, points)), low, high)
