"""What runs and comparisons come to, as data: what ``results.json`` holds."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from largeloss.errors import RunError
from largeloss.files import checksummed_json, verified_json, write_text


@dataclass(frozen=True)
class RunResult:
    """One finished run. mAP in percent."""

    method: str
    delta_rel: float | None
    """Percent of the batch's entries; None for methods that have none."""
    seed: int
    test_map: float
    """On the test split, with the weights of the best val epoch."""
    last_test_map: float
    """On the test split, with the weights of the last epoch."""
    best_epoch: int
    seconds: float
    """Spent in training and evaluation."""


@dataclass(frozen=True)
class MethodSummary:
    """A method over its seeds. mAP in percent."""

    method: str
    delta_rel: float | None
    mean: float
    """Of ``test_map``."""
    std: float
    """Sample standard deviation of ``test_map``; 0 for one seed."""
    gap_closed: float | None
    """Share of the way from Naive AN (0) to full labels (1); None where either was not run."""


@dataclass(frozen=True)
class Comparison:
    """All runs of a comparison and their summary, a line a method and Delta."""

    runs: tuple[RunResult, ...]
    summary: tuple[MethodSummary, ...]

    @classmethod
    def of(cls, runs: Sequence[RunResult]) -> Self:
        """Summarises ``runs``, methods in the order in which they first appear."""
        groups: dict[tuple[str, float | None], list[float]] = {}
        for run in runs:
            groups.setdefault((run.method, run.delta_rel), []).append(run.test_map)
        means = {key: statistics.fmean(values) for key, values in groups.items()}
        naive, full = means.get(("an", None)), means.get(("full", None))
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

    def as_json(self) -> dict[str, Any]:
        """``{"runs": [...], "summary": [...]}``."""
        return asdict(self)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Reads ``results.json``.

        Raises:
            RunError: it cannot be read, or is not as it was written.
        """
        try:
            content = verified_json(path.read_text(encoding="utf-8"))
            return cls.of([RunResult(**run) for run in content["runs"]])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError(f"{path} cannot be read ({error}). Run the comparison again.") from None

    def write(self, path: Path) -> None:
        """Writes ``results.json``."""
        write_text(path, checksummed_json(self.as_json()))
