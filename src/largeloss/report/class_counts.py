"""Numbers of images by the state of their label, class by class."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from largeloss.data.examine.examination import Examination

Row = TypeVar("Row")
CLASSES = 40
"""Pages show this many of the most and of the least frequent classes, or all if there are few."""


@dataclass(frozen=True)
class ClassCounts:
    """Numbers of images for one class, or of entries for all classes."""

    name: str
    present: int
    absent: int
    unobserved: int
    missing: int | None = None
    """Unobserved and truly present; None where the truth is not known."""
    by_split: tuple[int, ...] = ()
    """Images in which the class is present, in the order of the splits."""

    @property
    def numbers(self) -> tuple[int, int, int]:
        """Present, absent, unobserved."""
        return self.present, self.absent, self.unobserved

    @property
    def shares(self) -> tuple[float, float, float]:
        """Present, missing and absent in percent of the images; 0 where there are none."""
        scale = max(1, sum(self.numbers))
        missing = self.missing or 0
        return 100 * self.present / scale, 100 * missing / scale, 100 * self.absent / scale


def class_counts(found: Examination) -> list[ClassCounts]:
    """All classes, the most frequent first; equally frequent ones in the order of the labels."""
    splits = found.splits.values()
    rows = [
        ClassCounts(
            name,
            sum(split.present[column] for split in splits),
            sum(split.absent[column] for split in splits),
            sum(split.unobserved[column] for split in splits),
            by_split=tuple(split.present[column] for split in splits),
        )
        for column, name in enumerate(found.classes)
    ]
    return sorted(rows, key=lambda row: -row.present)


def ends(rows: Sequence[Row], limit: int = CLASSES) -> tuple[Sequence[Row], int, Sequence[Row]]:
    """The first ``limit`` rows (all of up to twice as many), the number left out, the last."""
    if len(rows) <= 2 * limit:
        return rows, 0, ()
    return rows[:limit], len(rows) - 2 * limit, rows[-limit:]
