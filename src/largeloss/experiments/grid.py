"""A grid of runs: methods × seeds, each in a folder of its own, finished ones skipped."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from largeloss import distributed
from largeloss.errors import ConfigError
from largeloss.experiments.results import Comparison, RunResult


@dataclass(frozen=True)
class Variant:
    """A method with its Delta."""

    method: str
    delta_rel: float | None = None
    """Percent; None takes the method's default, or is for methods that have none."""

    @classmethod
    def parse(cls, text: str) -> "Variant":
        """From ``ll-r`` or ``ll-r:0.5``.

        Raises:
            ConfigError: what follows the colon is no number.
        """
        method, colon, delta = text.strip().partition(":")
        try:
            return cls(method, float(delta) if colon else None)
        except ValueError:
            raise ConfigError(
                f"--methods takes names, with Δ in percent where wanted (ll-r:0.5), got {text!r}."
            ) from None

    @property
    def label(self) -> str:
        """``ll-r-0.5``."""
        return self.method if self.delta_rel is None else f"{self.method}-{self.delta_rel:g}"


@dataclass(frozen=True)
class Planned:
    """One run of a grid."""

    variant: Variant
    seed: int

    @property
    def folder(self) -> str:
        """Its folder's name."""
        return f"{self.variant.label}-seed{self.seed}"


def plan(variants: Sequence[Variant], num_seeds: int) -> list[Planned]:
    """All runs, seed by seed, so that a grid cut short has every method.

    Raises:
        ConfigError: nothing to run, or a method twice.
    """
    if not variants or num_seeds < 1:
        raise ConfigError("A comparison needs at least one method and one seed.")
    if len(set(variants)) < len(variants):
        raise ConfigError("A method is named twice with the same Δ.")
    return [Planned(variant, seed) for seed in range(num_seeds) for variant in variants]


def run_grid(
    grid: Sequence[Planned], out: Path, run_one: Callable[[Planned, Path], RunResult]
) -> Comparison:
    """Runs what is missing; writes ``results.json`` after every run.

    Args:
        grid: From :func:`plan`.
        out: Holds a folder a run.
        run_one: Trains a run in its folder, or reads it where it is finished.
    """
    out.mkdir(parents=True, exist_ok=True)
    results = []
    for planned in grid:
        results.append(run_one(planned, out / planned.folder))
        if distributed.rank() == 0:
            Comparison.of(results).write(out / "results.json")
    return Comparison.of(results)
