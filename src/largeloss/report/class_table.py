"""Average precision of each class on the test split, for one method or several."""

from collections.abc import Sequence
from dataclasses import dataclass

from largeloss.runs.mean_over_classes import unmeasurable


@dataclass(frozen=True)
class Interval:
    """Average precision in percent over seeds."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Interval":
        """Mean, lowest and highest of at least one seed; ``values`` are fractions."""
        percent = [100 * value for value in values]
        return cls(sum(percent) / len(percent), min(percent), max(percent))


@dataclass(frozen=True)
class ClassLine:
    """One class on test."""

    name: str
    present: int
    absent: int
    unknown: int
    intervals: tuple[Interval, ...]
    """One a method."""
    threshold: float | None = None
    """Probability above which the class is predicted."""
    rule: str = "observed"
    """That test was measured by, see :mod:`largeloss.training.evaluation`."""

    @property
    def unmeasurable(self) -> str:
        """Why average precision cannot be measured; empty where it can."""
        return unmeasurable((self.present, self.absent, self.unknown), self.rule)


@dataclass(frozen=True)
class ClassTable:
    """All classes."""

    methods: tuple[str, ...]
    """Display names."""
    lines: tuple[ClassLine, ...]
    num_seeds: int = 1

    @property
    def is_complete(self) -> bool:
        """Whether every test label is known."""
        return not any(line.unknown for line in self.lines)

    @property
    def span(self) -> tuple[int, int]:
        """The limits of the axis in percent: multiples of 10 around all values."""
        measured = (line for line in self.lines if not line.unmeasurable)
        drawn = [interval for line in measured for interval in line.intervals]
        low = min((interval.low for interval in drawn), default=0.0)
        high = max((interval.high for interval in drawn), default=100.0)
        return min(90, int(low // 10 * 10)), min(100, int(high // 10 * 10 + 10))

    def place(self, value: float) -> str:
        """Position of ``value`` on the axis, as a CSS length."""
        left, right = self.span
        return f"{100 * (value - left) / (right - left):.2f}%"

    @property
    def has_thresholds(self) -> bool:
        """Whether a class has a threshold."""
        return any(line.threshold is not None for line in self.lines)
