"""The recipe that the method 'auto' becomes where absences are observed, and are a fair sample."""

import numpy as np

from largeloss.config import RunConfig
from largeloss.data import Dataset
from largeloss.labels.table import Counts
from largeloss.losses import title_of
from largeloss.losses.recipes import AUTO, RECIPES, SELF_TRAINING
from largeloss.runs.fitting import fitting, self_training, set_up, whole_network_by_auto
from largeloss.runs.mean_over_classes import count_of_classes
from largeloss.training.evaluation import Evaluator

FAVOURED = 1.25
"""Present entries may be so much more frequent among the observed entries of train than on val."""
SURE = 4
"""Of a single class they are, where its difference is that many standard errors above that."""


def fitting_labels(
    asked: RunConfig, dataset: Dataset, val: Evaluator
) -> tuple[RunConfig, list[str]]:
    """Settings as the user gave them, in which the recipe 'auto' is the one that fits the labels,
    and what the user should know of that; for what begins, not for what goes on.

    Naive IU with a teacher is ahead where a whole network is trained, and presences and absences
    are written down alike, so that a training on these alone is not misled. Val tells, where it has
    no blanks: present entries are as frequent there as among the observed entries of train. Where
    somebody has looked for tags, of all classes or of some, they are more frequent in train.

    Args:
        asked: Settings of the run.
        dataset: What is trained on.
        val: How val is measured.
    """
    if not whole_network_by_auto(asked):
        return asked, []
    train = dataset.labels.select(dataset.rows("train"))
    if train.is_complete or not (train.states == 0).any():
        return asked, []
    usual = title_of(RECIPES[fitting(AUTO.name, asked)].method)
    advice = (
        "Absences are observed in training. If presences and absences were written down alike, try "
        f"--method {SELF_TRAINING.name}, too:"
    )
    if chosen := set_up(asked):
        what = ", ".join(f"method.{name}" for name in chosen)
        return asked, [f"{advice} with {what} it is {usual} here, whatever the labels are."]
    if not val.table.is_complete:
        return asked, [f"{advice} val, which has blanks, cannot tell."]
    alike, said = _alike(train.counts(), val.table.counts())
    if not alike:
        return asked, [f"{said} So {usual} is trained, and not Naive IU."]
    return self_training(asked), [said]


def _alike(train: Counts, val: Counts) -> tuple[bool, str]:
    """Whether the observed entries of train are a fair sample, and a sentence on why."""
    observed = train.present + train.absent
    images = val.present + val.absent  # complete: the same for all classes
    here, there = train.present.sum() / observed.sum(), val.present.sum() / images.sum()
    said = (
        f"{100 * here:.1f} % of the observed training entries are present, and "
        f"{100 * there:.1f} % on val"
    )
    p, q = train.present / np.maximum(observed, 1), val.present / images
    variance = p * (1 - p) / np.maximum(observed, 1) + FAVOURED**2 * q * (1 - q) / images
    favoured = p - FAVOURED * q > SURE * np.sqrt(variance)
    favoured |= (train.present > 0) & (train.absent == 0)
    if here > FAVOURED * there:
        return False, f"Presences were written down more often than absences: {said}."
    if favoured.any():
        return False, (
            f"Of {count_of_classes(int(favoured.sum()))} presences were written down more often "
            "than absences."
        )
    return True, f"Presences and absences were written down alike: {said}."
