"""From which probability on a class is tagged, and what that came to on val."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from largeloss.data import Dataset
from largeloss.metrics.aims import F1, Aim
from largeloss.metrics.calibration import Calibration
from largeloss.runs.result import RunResult
from largeloss.training.description import TagRule
from largeloss.training.evaluation import Evaluator, Measured

LOWEST, HIGHEST = np.finfo(np.float64).tiny, np.nextafter(1, 0)
"""Of the probabilities: logits beyond -708 and 36 are as good as these."""


class ChosenRules(NamedTuple):
    """From which probability on each class is tagged."""

    rules: dict[str, TagRule]
    unreachable: tuple[str, ...]
    """Classes that are never tagged, since no threshold reaches the aim on val."""


def shares_on_test(
    saved: Mapping[str, Any], result: RunResult
) -> tuple[float | None, float | None]:
    """Precision and recall of the tags on test, fractions.

    By the thresholds that were chosen after training, where ``saved`` (a ``config.json``) has some,
    else by those of training. Precision is None where no entry is tagged, recall where none is
    present.
    """
    chosen_for = saved.get("chosen_for")
    if chosen_for is not None:
        return chosen_for["test"]["precision"], chosen_for["test"]["recall"]
    precision = result.test_tag_precision
    return None if precision is None else precision / 100, result.test_tag_recall / 100


def tag_rules(
    dataset: Dataset,
    val: Evaluator,
    scores: Measured,
    aim: Aim = F1,
    calibration: Calibration | None = None,
) -> ChosenRules:
    """Class → rule.

    Args:
        dataset: What the method was trained on.
        val: Labels that thresholds are chosen by.
        scores: Logits for val.
        aim: What thresholds are chosen for.
        calibration: Of the probabilities; it changes these, and not which entries are tagged.
    """
    train = dataset.labels.select(dataset.rows("train"))
    learnt = train.counts().present > 0
    chosen, reachable = val.thresholds(scores, learnt, aim)
    logits = chosen if calibration is None else calibration.apply(chosen)
    probabilities = torch.from_numpy(logits).sigmoid().numpy().clip(LOWEST, HIGHEST)
    probabilities[np.isinf(chosen)] = np.nan
    counts = val.tag_counts(scores, _logits(probabilities, calibration))
    shares = (probabilities, counts.precision, counts.recall)
    columns = (*(map(number_or_none, column) for column in shares), counts.positives.tolist())
    names = dataset.labels.classes
    return ChosenRules(
        {
            name: TagRule(**dict(zip(TagRule.model_fields, values, strict=True)))
            for name, *values in zip(names, *columns, strict=True)
        },
        tuple(names[column] for column in np.flatnonzero(learnt & ~reachable)),
    )


def saved_rules(rules: Mapping[str, TagRule]) -> dict[str, Any]:
    """As ``config.json`` beside the weights holds them."""
    return {name: rule.model_dump() for name, rule in rules.items()}


def logit_thresholds(
    rules: Mapping[str, TagRule], calibration: Calibration | None = None
) -> NDArray[np.float64]:
    """(C,): a class is tagged where its logit lies above; infinite where it never is."""
    found = [rule.probability for rule in rules.values()]
    return _logits(np.array(found, dtype=np.float64), calibration)  # None becomes NaN


def saved_calibration(saved: Mapping[str, Any]) -> Calibration | None:
    """That of ``config.json``."""
    if saved.get("calibration") is None:
        return None
    lines = saved["calibration"]["lines"].values()
    return Calibration(
        *(np.array([line[name] for line in lines], dtype=float) for name in ("slope", "offset"))
    )


def _logits(
    probabilities: NDArray[np.float64], calibration: Calibration | None
) -> NDArray[np.float64]:
    """The network's, of probabilities between 0 and 1; infinite where they are NaN."""
    logits = np.log(probabilities) - np.log1p(-probabilities)
    if calibration is not None:
        logits = (logits - calibration.offsets) / calibration.slopes
    return np.where(np.isnan(logits), np.inf, logits)


def number_or_none(value: float) -> float | None:
    """None for NaN, which JSON does not have."""
    return None if np.isnan(value) else float(value)
