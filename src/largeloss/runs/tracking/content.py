"""What a run folder holds that trackers show: epochs, results, files."""

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from largeloss.runs.result import RunResult
from largeloss.training.run_folder import FILES, HEAD, TEACHER, RunFolder

_RESULTS = (
    "test_map", "test_map_measurable", "last_test_map", "val_map", "val_log_rank", "best_epoch",
    "test_tag_precision", "test_tag_recall", "num_corrections", "seconds", "wall_seconds",
)  # fmt: skip


def epochs(folder: Path) -> Iterator[tuple[str, int, dict[str, float]]]:
    """Phase, epoch and figures of every epoch that is over, phase by phase.

    Phases are LinearInit's head, the teachers, and last, named ``""``, the run itself. The figures
    are those of ``metrics.csv``, and ``flagged``, the number of flagged entries, where the losses
    were recorded. Those that are not finite are left out.
    """
    below = [folder / HEAD, *sorted(folder.glob(f"{TEACHER}-*"))]
    for path in [*below, folder]:
        run = RunFolder(path)
        if not run.metrics_file.is_file():
            continue
        name = "" if path == folder else path.name
        with run.metrics_file.open(encoding="utf-8", newline="") as file:
            for line in csv.DictReader(file):
                epoch = int(line.pop("epoch"))
                values = {key: float(value) for key, value in line.items() if value}
                flagged = run.recorded / f"flagged-{epoch:03d}.npy"
                if flagged.is_file():
                    values["flagged"] = len(np.load(flagged, mmap_mode="r"))
                yield name, epoch, finite(values)


@dataclass(frozen=True)
class Results:
    """Of a finished run."""

    figures: dict[str, float]
    """By the names of ``result.json``, mAP in percent; of a split without any label none."""
    ap: dict[str, float]
    """Class → average precision on test, in percent."""
    counts: dict[str, list[int]]
    """Class → test images in which it is present, absent, unobserved."""
    best_epoch: int
    files: tuple[Path, ...]
    """To keep beside the weights."""
    best: Path
    """The folder of the weights."""

    @classmethod
    def of(cls, folder: Path) -> "Results":
        """Of a run folder.

        Raises:
            RunError: the result cannot be read.
        """
        result = RunResult.read(folder)
        figures = {name: getattr(result, name) for name in _RESULTS}
        figures |= result.estimated
        rules = {"test": result.test_rule, "val": result.val_rule}
        blank = [split for split, rule in rules.items() if rule == "nothing"]
        measured = {
            name: value
            for name, value in figures.items()
            if value is not None
            and not name.removeprefix("last_").startswith(tuple(f"{split}_" for split in blank))
        }
        ap = {} if "test" in blank else result.test_ap
        return cls(
            finite(measured),
            finite({name: 100 * value for name, value in ap.items()}),
            result.test_counts,
            result.best_epoch,
            tuple(path for name in FILES if (path := folder / name).is_file()),
            RunFolder(folder).best,
        )


def finite(values: dict[str, float]) -> dict[str, float]:
    """Without NaN and infinities."""
    return {name: value for name, value in values.items() if math.isfinite(value)}
