"""How a mean over classes is told: first over those that can be measured."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class MeanOverClasses:
    """Mean average precision of a split by two rules, in percent."""

    over_all: float
    """As published: classes without an observed positive count 0, those without a negative 100."""
    measurable: float | None
    """Over the other classes alone; None where there are none."""
    num_classes: int
    without_positives: int
    without_negatives: int

    @property
    def lead(self) -> float:
        """The figure to show first."""
        return self.over_all if self.measurable is None else self.measurable

    @property
    def remark(self) -> str:
        """What the first figure is the mean of, and the other; empty where the two are one."""
        left = self.num_classes - self.without_positives - self.without_negatives
        if left == self.num_classes:
            return ""
        if not left:
            return f"No class can be measured: {self.unmeasurable}."
        return (
            f"This mAP is the mean over the {left:,} of {count_of_classes(self.num_classes)} "
            f"that can be measured. Over all of them, as published, it is {self.over_all:.1f}: "
            f"{self.unmeasurable}."
        )

    @property
    def as_published(self) -> str:
        """How classes that test cannot measure count in a table of means over all classes."""
        if not self.unmeasurable:
            return ""
        return f"mAP is over all classes, as published: in test {self.unmeasurable}."

    @property
    def unmeasurable(self) -> str:
        """How the other classes count in the published mean; empty where there are none."""
        return ", and ".join(
            f"{count_of_classes(number)} {'has' if number == 1 else 'have'} no observed {what} "
            f"there and "
            f"{'counts' if number == 1 else 'count'} {value}"
            for number, what, value in (
                (self.without_positives, "presence", "0"),
                (self.without_negatives, "absence", "100 whatever the model"),
            )
            if number
        )


def count_of_classes(number: int) -> str:
    """A number of classes, in words."""
    return "1 class" if number == 1 else f"{number:,} classes"


def ap_in_words(ap: float, counts: Sequence[int], rule: str) -> str:
    """The average precision of a class in percent, or why there is none.

    Args:
        ap: A fraction; by convention 0 or 1 where it cannot be measured.
        counts: Images that are known to show the class, known not to, and others.
        rule: That it was measured by, see :mod:`largeloss.training.evaluation`.
    """
    why = unmeasurable(counts, rule)
    return f"not measurable: {why}" if why else f"{100 * ap:.1f}"


def unmeasurable(counts: Sequence[int], rule: str) -> str:
    """Why the average precision of a class cannot be measured; empty where it can."""
    present, absent, unobserved = counts
    if rule == "assume-absent":  # results of earlier versions count them so already
        absent += unobserved
    if not present:
        return "nowhere present"
    return "" if absent else "nowhere absent"
