"""Results of runs and comparisons, as ``results.json`` holds them."""

import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

from largeloss.errors import RunError
from largeloss.experiments.worth import (
    Budget,
    Curve,
    Worth,
    complete_curve,
    worth,
    worth_range,
)
from largeloss.files import checksummed_json, read_text, verified_json, write_text
from largeloss.losses import AssumeNegative, FullLabel
from largeloss.runs.result import Delta, RunResult

LEAST_GAP = 1.0
"""Points of mAP by which full labels have to be ahead of Naive AN at least: less is no scale."""


@dataclass(frozen=True)
class ComparedRun:
    """A finished run of a comparison. mAP in percent."""

    method: str
    delta_rel: Delta | None
    """Percent of the batch's entries, or "auto"; None for methods without Δ."""
    seed: int
    test_map: float
    """On the test split, with the weights of the best val epoch."""
    last_test_map: float
    """On the test split, with the weights of the last epoch."""
    best_epoch: int
    seconds: float
    """Spent in training and evaluation."""
    share: float = 1.0
    """Of the training images that it was trained on."""
    positives: int = 0
    """Training entries that it was shown as present; 0 in files of earlier versions."""
    decisions: int = 0
    """Training entries that it was shown as present or absent."""
    test_rule: str = ""
    """Labelling rule by which test was measured, see :mod:`largeloss.training.evaluation`; empty
    in files of earlier versions."""
    test_split: str = "test"
    """The split that was measured as test: val where the data have no test split."""

    @classmethod
    def of(cls, result: RunResult, share: float = 1.0) -> Self:
        """The figures that a comparison keeps of a run on a share of the training images."""
        counts = result.train_counts.values()
        taken = [field.name for field in fields(cls) if hasattr(result, field.name)]
        return cls(
            **{name: getattr(result, name) for name in taken},
            share=share,
            positives=sum(present for present, *_ in counts),
            decisions=sum(present + absent for present, absent, *_ in counts),
        )

    @property
    def shown(self) -> tuple[int, int]:
        """``positives`` and ``decisions``."""
        return self.positives, self.decisions


@dataclass(frozen=True)
class MethodSummary:
    """A method over its seeds. mAP in percent."""

    method: str
    delta_rel: Delta | None
    mean: float
    """Mean of ``test_map``."""
    std: float
    """Sample standard deviation of ``test_map``; 0 for one seed."""
    gap_closed: float | None
    """Position between Naive AN (0) and full labels (1), over the seeds that all three have. None
    without such a seed, or if full labels are not ahead by more than the standard deviation of the
    difference over the seeds and by more than :data:`LEAST_GAP`: then there is no gap to be seen.
    """
    share: float
    """Of the training images that it was trained on."""
    worth: Worth | None
    """None where complete labels were not tried on shares of the images."""
    worth_range: tuple[Worth, Worth] | None
    """The lowest and the highest of the seeds, each by the curve of its own runs. None for
    complete labels, and where fewer than two seeds have all shares."""


@dataclass(frozen=True)
class Comparison:
    """All runs of a comparison and their summary: one row for each method, Δ and share."""

    runs: tuple[ComparedRun, ...]
    summary: tuple[MethodSummary, ...]
    curve: Curve
    """Complete labels on shares of the images; empty where they were not tried."""
    budget: Budget | None
    """None where complete labels were not tried on shares of the images."""

    @classmethod
    def of(cls, runs: Sequence[ComparedRun]) -> Self:
        """Summarises runs; methods keep the order in which they first appear."""
        groups: dict[tuple[str, Delta | None, float], dict[int, float]] = {}
        for run in runs:
            key = run.method, run.delta_rel, run.share
            groups.setdefault(key, {})[run.seed] = run.test_map
        means = {key: statistics.fmean(seeds.values()) for key, seeds in groups.items()}
        whole = max((run.share for run in runs), default=1.0)
        naive, full = (
            groups.get((one.name, None, whole), {}) for one in (AssumeNegative, FullLabel)
        )
        complete = {key[2]: mean for key, mean in means.items() if key[0] == FullLabel.name}
        curve = complete_curve(complete) if complete.keys() - {whole} else ()
        own_curves = _curves_of_seeds(runs, complete) if curve else {}
        summary = tuple(
            MethodSummary(
                method,
                delta_rel,
                means[method, delta_rel, share],
                statistics.stdev(seeds.values()) if len(seeds) > 1 else 0.0,
                _gap_closed(seeds, naive, full),
                share,
                Worth(share)
                if curve and method == FullLabel.name
                else worth(curve, means[method, delta_rel, share]),
                None if method == FullLabel.name else worth_range(own_curves, seeds),
            )
            for (method, delta_rel, share), seeds in groups.items()
        )
        return cls(tuple(runs), summary, curve, _budget(runs) if curve else None)

    @property
    def test_split(self) -> str:
        """The split that was measured as test; val if it was for any run."""
        return "val" if any(run.test_split == "val" for run in self.runs) else "test"

    @property
    def test_rules(self) -> tuple[str, ...]:
        """Labelling rules by which test was measured: one, or none where files of earlier versions
        do not say it."""
        return tuple(dict.fromkeys(run.test_rule for run in self.runs if run.test_rule))

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


def _curves_of_seeds(runs: Sequence[ComparedRun], shares: Collection[float]) -> dict[int, Curve]:
    """The curve of each seed that has complete labels on all of the shares."""
    maps: dict[int, dict[float, float]] = {}
    for run in runs:
        if run.method == FullLabel.name:
            maps.setdefault(run.seed, {})[run.share] = run.test_map
    return {seed: complete_curve(own) for seed, own in maps.items() if len(own) == len(shares)}


def _gap_closed(
    own: Mapping[int, float], naive: Mapping[int, float], full: Mapping[int, float]
) -> float | None:
    """By test mAP of each seed; see :attr:`MethodSummary.gap_closed`."""
    seeds = sorted(own.keys() & naive.keys() & full.keys())
    if not seeds:
        return None
    ahead = [full[seed] - naive[seed] for seed in seeds]
    noise = statistics.stdev(ahead) if len(ahead) > 1 else 0.0
    gap = statistics.fmean(ahead)
    if not gap > max(noise, LEAST_GAP):
        return None
    return statistics.fmean(own[seed] - naive[seed] for seed in seeds) / gap


def _budget(runs: Sequence[ComparedRun]) -> Budget | None:
    """None without methods for incomplete labels, or without counts of labels."""
    full = [run for run in runs if run.method == FullLabel.name]
    largest = max(run.share for run in full)
    return Budget.of(
        [run.shown for run in runs if run.method != FullLabel.name],
        [run.shown for run in full if run.share == largest],
        largest,
    )
