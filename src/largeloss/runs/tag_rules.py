"""From which probability on a class is tagged, and what that came to on val."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from largeloss.data import Dataset
from largeloss.training.description import TagRule
from largeloss.training.evaluation import Evaluator, Measured

LOWEST, HIGHEST = np.finfo(np.float64).tiny, np.nextafter(1, 0)
"""Of the probabilities: logits beyond -708 and 36 are as good as these."""


def tag_rules(dataset: Dataset, val: Evaluator, scores: Measured) -> dict[str, TagRule]:
    """Class → rule.

    Args:
        dataset: What the method was trained on.
        val: Labels that thresholds are chosen by.
        scores: Logits for val.
    """
    train = dataset.labels.select(dataset.rows("train"))
    chosen = val.thresholds(scores, learnt=train.counts().present > 0)
    probabilities = torch.from_numpy(chosen).sigmoid().numpy().clip(LOWEST, HIGHEST)
    probabilities[np.isinf(chosen)] = np.nan
    counts = val.tag_counts(scores, _logits(probabilities))
    shares = (probabilities, counts.precision, counts.recall)
    columns = (*(map(number_or_none, column) for column in shares), counts.positives.tolist())
    return {
        name: TagRule(**dict(zip(TagRule.model_fields, values, strict=True)))
        for name, *values in zip(dataset.labels.classes, *columns, strict=True)
    }


def saved_rules(rules: Mapping[str, TagRule]) -> dict[str, Any]:
    """As ``config.json`` beside the weights holds them."""
    return {name: rule.model_dump() for name, rule in rules.items()}


def logit_thresholds(rules: Mapping[str, TagRule]) -> NDArray[np.float64]:
    """(C,): a class is tagged where its logit lies above; infinite where it never is."""
    found = [rule.probability for rule in rules.values()]
    return _logits(np.array(found, dtype=np.float64))  # None becomes NaN


def _logits(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of probabilities between 0 and 1; infinite where they are NaN."""
    logits = np.log(probabilities) - np.log1p(-probabilities)
    return np.where(np.isnan(logits), np.inf, logits)


def number_or_none(value: float) -> float | None:
    """None for NaN, which JSON does not have."""
    return None if np.isnan(value) else float(value)
