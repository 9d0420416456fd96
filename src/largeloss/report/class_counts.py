"""Counts of present, absent and unobserved labels of each class, over all splits."""

from dataclasses import dataclass

from largeloss.data.examine.examination import Examination


@dataclass(frozen=True)
class ClassCounts:
    """Numbers of images for one class, over all splits."""

    name: str
    present: int
    absent: int
    unobserved: int
    by_split: tuple[int, ...]
    """Images in which the class is present, in the order of the splits."""

    @property
    def numbers(self) -> tuple[int, int, int]:
        """Present, absent, unobserved."""
        return self.present, self.absent, self.unobserved

    @property
    def shares(self) -> tuple[float, float, float]:
        """The same in percent of the images; 0 where there are none."""
        total = max(1, sum(self.numbers))
        present, absent, unobserved = (100 * number / total for number in self.numbers)
        return present, absent, unobserved


def class_counts(found: Examination) -> list[ClassCounts]:
    """All classes, the most frequent first; equally frequent ones in the order of the labels."""
    splits = found.splits.values()
    present, absent, unobserved = (
        [sum(column) for column in zip(*parts, strict=True)]
        for parts in (
            [split.present for split in splits],
            [split.absent for split in splits],
            [split.unobserved for split in splits],
        )
    )
    by_split = list(zip(*(split.present for split in splits), strict=True))
    rows = [
        ClassCounts(*one)
        for one in zip(found.classes, present, absent, unobserved, by_split, strict=True)
    ]
    return sorted(rows, key=lambda row: -row.present)
