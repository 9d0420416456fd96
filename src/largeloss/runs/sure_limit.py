"""From which probability on a teacher's word is taken: measured on val, where labels allow it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from largeloss.training.evaluation import Evaluator

SURE = 0.8
"""The least limit, and the share of val entries above it that must be present;
docs/guides/recipe.md has figures for other values."""


@dataclass(frozen=True)
class SureLimit:
    """A limit, and how often entries above it are present in val."""

    probability: float | None
    """From which on an unobserved entry becomes present; None: none does."""
    val_entries: int
    """Labelled val entries that are as probable; 0 where val has no observed absences."""
    val_present: int
    """How many of them are present."""

    def __str__(self) -> str:
        if self.probability is None:
            return (
                f"On val, fewer than {100 * SURE:g} % of the entries are present, however probable "
                "they seem: the method's probabilities are too high for teachers."
            )
        text = f"The limit is a probability of {self.probability:.2g}"
        if not self.val_entries:
            return f"{text}; val cannot say how often that is right."
        right = 100 * self.val_present / self.val_entries
        return (
            f"{text}: on val, {right:.0f} % of the {self.val_entries:,} entries above are present."
        )


def sure_limit(probabilities: NDArray[np.floating], val: Evaluator) -> SureLimit:
    """The least limit of :data:`SURE` or more above which val entries are present as often.

    A probability that a method gives need not be one: losses for missing labels raise it, some by
    far. What is above the limit on val says so.

    ``probabilities`` are (M, C), of being present. Where blanks of val would have to count as
    absent, or no labelled entry is that probable, the limit is :data:`SURE`.
    """
    if val.rule == "assume-absent":
        return SureLimit(SURE, 0, 0)
    high = (probabilities >= SURE) & (val.labels >= 0)
    scores, present = probabilities[high], val.labels[high] == 1
    if not scores.size:
        return SureLimit(SURE, 0, 0)
    order = np.argsort(-scores, kind="stable")
    scores, counts = scores[order], np.cumsum(present[order])
    ends = np.append(scores[1:] < scores[:-1], True)  # equal scores are above a limit together
    enough = np.flatnonzero(ends & (counts >= SURE * np.arange(1, scores.size + 1)))
    if not enough.size:
        return SureLimit(None, 0, 0)
    last = int(enough[-1])
    limit = SURE if last == scores.size - 1 else float(scores[last])
    return SureLimit(limit, last + 1, int(counts[last]))
