"""Counts of the training labels, class by class."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingLabels:
    """Numbers of training images for one class."""

    name: str
    present: int
    absent: int
    unobserved: int
    missing: int | None
    """Unobserved and truly present; None where the truth is not known."""

    @property
    def shares(self) -> tuple[float, float, float]:
        """Present, missing and absent in percent of the images."""
        total = max(1, self.present + self.absent + self.unobserved)
        present, missing, absent = (
            100 * number / total for number in (self.present, self.missing or 0, self.absent)
        )
        return present, missing, absent
