"""From which probability on a teacher's word is taken: measured on val, where labels allow it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from largeloss.labels import LabelTable
from largeloss.labels.estimate import unobserved_shares
from largeloss.training.evaluation import Evaluator

SURE = 0.8
"""The least limit, and the share of the tags added that must be right, by val;
docs/guides/recipe.md has figures for other values."""


@dataclass(frozen=True)
class SureLimit:
    """A limit, and how often entries above it are present in val."""

    probability: float | None
    """From which on an unobserved entry becomes present; None: none does."""
    val_entries: int
    """Labelled val entries that are as probable; 0 where blanks of val count as absent."""
    val_present: int
    """How many of them are present."""
    right: float | None = None
    """The same as a share, of those that would be unobserved if val were labelled as train is; None
    where val cannot say, where no limit was found, and in files of earlier versions."""

    def __str__(self) -> str:
        if self.probability is None:
            return (
                "No tag is added: val confirms for no probability that "
                f"{100 * SURE:g} % of the unobserved entries above it are present."
            )
        text = f"The limit is a probability of {self.probability:.4g}"
        if not self.val_entries:
            return f"{text}; val cannot say how often that is right."
        present = 100 * self.val_present / self.val_entries
        text += f": on val, {present:.0f} % of the {self.val_entries:,} entries above are present"
        if self.right is None:
            return f"{text}."
        return (
            f"{text}, and {100 * self.right:.0f} % of those that would be unobserved if val were "
            "labelled as train is."
        )


def lower_end(
    right: NDArray[np.float64], weight: NDArray[np.float64], squares: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The lower end of Wilson's 95 % interval, on one side, of the share ``right / weight``.

    Args:
        right: Sums of the weights of what is right.
        weight: Sums of all weights; they count as ``weight**2 / squares`` entries.
        squares: Sums of the squared weights.
    """
    known = weight > 0
    share = np.divide(right, weight, out=np.zeros_like(right), where=known).clip(0, 1)
    number = np.divide(weight**2, squares, out=np.zeros_like(right), where=known)
    z = 1.645  # of the normal distribution
    middle = share * number + z**2 / 2
    apart = z * np.sqrt(share * (1 - share) * number + z**2 / 4)
    ends: NDArray[np.float64] = (middle - apart) / (number + z**2)
    return ends


def sure_limit(probabilities: NDArray[np.floating], val: Evaluator, train: LabelTable) -> SureLimit:
    """The least limit of :data:`SURE` or more above which, val shows, at least that share of
    unobserved entries is present: not the share that val has decides, but the lower end of its
    confidence interval, since the first few entries of a list are often right by chance.

    A probability that a method gives need not be one: losses for missing labels raise it, some by
    far. What is above the limit on val says so. But the entries of train to which tags are added
    are the unobserved ones, and where tags alone were written down, many of the present ones are
    not among them. So an entry of val counts as much as :func:`unobserved_shares` has it.

    ``probabilities`` are (M, C), of being present; ``train`` has the labels of the training images.
    Classes without observed absences in val cannot be wrong there, and are not looked at; where no
    entry that is looked at is that probable, nothing is confirmed. Where blanks of val would have
    to count as absent, or all of val is blank, the limit is :data:`SURE`.
    """
    if val.rule in ("assume-absent", "nothing"):
        return SureLimit(SURE, 0, 0)
    absences = val.table.counts().absent > 0
    high = (probabilities >= SURE) & (val.labels >= 0) & absences
    scores, present = probabilities[high], val.labels[high] == 1
    if not scores.size:
        return SureLimit(None, 0, 0)
    shares = unobserved_shares(val.table, train)[:, np.nonzero(high)[1]]
    order = np.argsort(-scores, kind="stable")
    scores, present = scores[order], present[order]
    ends = np.append(scores[1:] < scores[:-1], True)  # equal scores are above a limit together
    weights = np.where(present, shares[0, order], shares[1, order])
    right = np.cumsum(np.where(present, weights, 0))
    candidates, squares = np.cumsum(weights), np.cumsum(weights**2)
    lowest = lower_end(right, candidates, squares)
    enough = np.flatnonzero(ends & (lowest >= SURE))
    if not enough.size:
        return SureLimit(None, 0, 0)
    last = int(enough[-1])
    limit = SURE if last == scores.size - 1 else float(scores[last])
    shown = int(present[: last + 1].sum())
    return SureLimit(limit, last + 1, shown, float(right[last] / candidates[last]))
