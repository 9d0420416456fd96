"""Results of runs and comparisons, as ``results.json`` holds them."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

from largeloss.errors import RunError
from largeloss.files import checksummed_json, read_text, verified_json, write_text
from largeloss.losses import AssumeNegative, FullLabel
from largeloss.runs.result import RunResult


@dataclass(frozen=True)
class ComparedRun:
    """A finished run of a comparison. mAP in percent."""

    method: str
    delta_rel: float | None
    """Percent of the batch's entries; None for methods without Δ."""
    seed: int
    test_map: float
    """On the test split, with the weights of the best val epoch."""
    last_test_map: float
    """On the test split, with the weights of the last epoch."""
    best_epoch: int
    seconds: float
    """Spent in training and evaluation."""

    @classmethod
    def of(cls, result: RunResult) -> Self:
        """The figures that a comparison keeps of a run."""
        return cls(**{field.name: getattr(result, field.name) for field in fields(cls)})


@dataclass(frozen=True)
class MethodSummary:
    """A method over its seeds. mAP in percent."""

    method: str
    delta_rel: float | None
    mean: float
    """Mean of ``test_map``."""
    std: float
    """Sample standard deviation of ``test_map``; 0 for one seed."""
    gap_closed: float | None
    """Position between Naive AN (0) and full labels (1); None if one of the two was not run."""


@dataclass(frozen=True)
class Comparison:
    """All runs of a comparison and their summary: one row for each method and Δ."""

    runs: tuple[ComparedRun, ...]
    summary: tuple[MethodSummary, ...]

    @classmethod
    def of(cls, runs: Sequence[ComparedRun]) -> Self:
        """Summarises runs; methods keep the order in which they first appear."""
        groups: dict[tuple[str, float | None], list[float]] = {}
        for run in runs:
            groups.setdefault((run.method, run.delta_rel), []).append(run.test_map)
        means = {key: statistics.fmean(values) for key, values in groups.items()}
        naive, full = (means.get((method.name, None)) for method in (AssumeNegative, FullLabel))
        summary = tuple(
            MethodSummary(
                method,
                delta_rel,
                means[method, delta_rel],
                statistics.stdev(values) if len(values) > 1 else 0.0,
                None
                if naive is None or full is None or full == naive
                else (means[method, delta_rel] - naive) / (full - naive),
            )
            for (method, delta_rel), values in groups.items()
        )
        return cls(tuple(runs), summary)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Reads ``results.json``.

        Raises:
            RunError: the file cannot be read, or has changed since it was written.
        """
        try:
            content = verified_json(read_text(path))
            return cls.of([ComparedRun(**run) for run in content["runs"]])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError(f"{path} cannot be read ({error}). Run the comparison again.") from None

    def write(self, path: Path) -> None:
        """Writes ``results.json`` (runs, summary) atomically, with a checksum."""
        write_text(path, checksummed_json(asdict(self)))
