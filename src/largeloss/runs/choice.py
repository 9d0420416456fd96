"""What the choice of an epoch on val rests on, in remarks for the user."""

import numpy as np

from largeloss.errors import ConfigError
from largeloss.runs.mean_over_classes import count_of_classes
from largeloss.training.evaluation import RULES, Evaluator

FEW = 5
"""Positives of a class: with fewer, what is measured is mostly chance."""
_NAMED = 8


def check_observed(split: Evaluator, what: str) -> None:
    """Makes sure that some label of a split is observed; ``what`` cannot be done on it otherwise.

    Raises:
        ConfigError: none is.
    """
    if split.rule == "nothing":
        raise ConfigError(
            f"{what}: all labels of its {split.table.num_images} images are blank. Give them "
            "labels; 'largeloss data split' draws other images."
        )


def choice_remarks(val: Evaluator, select: str) -> list[str]:
    """By which labels, and how many of them, an epoch is chosen; or why val cannot choose one.

    Args:
        val: The labels that epochs are chosen by.
        select: The setting: ``"last"`` takes the last epoch whatever val shows.
    """
    present, deciding = val.table.counts().present, val.deciding
    if select == "last":
        return ["The weights of the last epoch are taken, as asked for; val chooses nothing."]
    if not deciding.any():
        reason = "is present in all of its images, or in none"
        if not present.any():
            reason = "is present in none of them"
        if val.rule == "nothing":
            reason = "is blank in all of them"
        return [
            f"Val cannot choose an epoch: it has {val.table.num_images} images, and every class "
            f"{reason}, so that all models measure alike. The last epoch is taken, and training "
            "does not stop early. For a choice, give val images that have a tag and images that "
            "do not; 'largeloss data split' draws them."
        ]
    how = RULES[val.rule]
    if val.rule == "assume-absent":
        how = (
            "how far up images with a given tag rank, on a logarithmic scale (log rank: 100 at the "
            "top, 0 as by chance), since fewer than half of the classes of val have observed "
            "absences. Missing tags lower that alike for all models, if the given ones are a "
            "random share; val mAP they make too low to be compared with another labelling's"
        )
    low, high = int(present[deciding].min()), int(present[deciding].max())
    positives = f"{low} to {high} positives" if low < high else f"{low} positive{'s' * (low > 1)}"
    found = [
        f"The best epoch is chosen on val by {how}: {int(deciding.sum())} of "
        f"{count_of_classes(deciding.size)} can be measured there, by {positives} each."
    ]
    few = np.flatnonzero((present < FEW) & deciding)
    if few.size:
        order = few[np.argsort(present[few], kind="stable")]
        names = [f"{val.table.classes[column]} ({present[column]})" for column in order[:_NAMED]]
        more = ", …" if few.size > _NAMED else ""
        found.append(
            f"Few val positives: {', '.join(names)}{more}. With fewer than {FEW}, what "
            f"is measured is mostly chance; this is so for {few.size} of the {int(deciding.sum())} "
            "classes that decide."
        )
    return found
