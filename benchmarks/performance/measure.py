"""Times of several ways to do the same thing, taken side by side."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch

Work = Callable[[], object]
LEAST = 0.02
"""Seconds that one sample lasts at least: short work is repeated within it."""


@dataclass(frozen=True)
class Sampled:
    """Seconds that one way takes, a sample a round."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Seconds."""
        return statistics.median(self.seconds)

    @property
    def spread(self) -> float:
        """Half the distance between the quartiles, as a share of the median."""
        if len(self.seconds) < 4:
            return (max(self.seconds) - min(self.seconds)) / 2 / self.median
        low, _, high = statistics.quantiles(self.seconds, n=4)
        return (high - low) / 2 / self.median


def interleaved(ways: Mapping[str, Work], rounds: int = 9) -> dict[str, Sampled]:
    """Times all ways in turn, round after round, so that a busy machine disturbs all alike."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    repeats = {}
    for name, work in ways.items():
        work()
        started = time.perf_counter()
        work()
        repeats[name] = max(1, round(LEAST / max(time.perf_counter() - started, 1e-9)))
    names = list(ways)
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            gc.collect()
            started = time.perf_counter()
            for _ in range(repeats[name]):
                ways[name]()
            times[name].append((time.perf_counter() - started) / repeats[name])
    return {name: Sampled(tuple(values)) for name, values in times.items()}


def peak_bytes(work: Work) -> int:
    """The most bytes of tensors on the CPU that are alive at once while ``work`` runs.

    Only what is allocated within counts.
    """
    work()
    with torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True
    ) as profiled:
        work()
    alive = most = 0
    results = profiled.profiler.kineto_results
    changes = [e for e in results.events() if e.name() == "[memory]"]
    for change in sorted(changes, key=lambda e: e.start_ns()):
        alive += change.nbytes()
        most = max(most, alive)
    return most


@dataclass(frozen=True)
class Line:
    """One line of the table: a piece of work at one size."""

    row: str
    """The row of the list of what to reach."""
    size: str
    """Of the work."""
    ours: str
    """What ours comes to, as in the row."""
    reach: str
    """What is to be reached."""
    reached: bool
    seconds: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Way → median seconds and spread (half the distance between the quartiles, a share)."""
    note: str = ""

    @property
    def verdict(self) -> str:
        """Whether it is reached, in a word; none where nothing was to be."""
        if not self.reach:
            return ""
        return "yes" if self.reached else "no"


def seconds(sampled: Mapping[str, Sampled]) -> dict[str, tuple[float, float]]:
    """For :class:`Line`."""
    return {name: (found.median, found.spread) for name, found in sampled.items()}
