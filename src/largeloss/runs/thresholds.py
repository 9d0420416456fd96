"""Thresholds of a finished run chosen for an aim, and calibrated probabilities; saved with it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from largeloss.data.dataset import NO_TEST
from largeloss.errors import ConfigError
from largeloss.metrics.aims import Aim
from largeloss.metrics.calibration import (
    Calibration,
    Reliability,
    fit_calibration,
    measured_reliability,
)
from largeloss.notebook import Table
from largeloss.runs.assemble import make_evaluators
from largeloss.runs.choice import check_observed
from largeloss.runs.data import readable_data
from largeloss.runs.load import load
from largeloss.runs.seen_in_training import has_changed
from largeloss.runs.settings import saved_settings
from largeloss.runs.tag_rules import (
    logit_thresholds,
    number_or_none,
    saved_rules,
    tag_rules,
)
from largeloss.runs.training_labels import training_labels
from largeloss.training.description import Bin, Calibrated, ChosenFor, Line, TagRule, TagShares
from largeloss.training.evaluation import RULES, Evaluator, Measured, evaluation_loader
from largeloss.training.recipe import Recipe
from largeloss.training.run_folder import RunFolder
from largeloss.training.weights import load_config, save_config

_FEW = 10
"""Present labels on val by which a line is hardly known."""


@dataclass(frozen=True)
class ChosenThresholds:
    """Thresholds by class, and what they came to."""

    rules: dict[str, TagRule]
    """Class → from which probability on it is tagged, and what that came to on val, whose images
    also chose it."""
    chosen_for: ChosenFor
    """The aim, and what it came to on test, or on val where there is no test split."""
    reliability: dict[str, Reliability]
    """``before`` and ``after`` calibration, on test; empty where nothing was calibrated, or test
    cannot tell or is val."""
    notes: tuple[str, ...]
    """By which labels this was chosen, and what to beware of."""

    def _repr_html_(self) -> str:
        table: dict[str, list[Any]] = {
            "Class": [*self.rules],
            "Threshold": [one.probability for one in self.rules.values()],
            "Val precision": [one.precision for one in self.rules.values()],
            "Val recall": [one.recall for one in self.rules.values()],
        }
        return Table(table, f"Thresholds for {self.chosen_for.aim}")._repr_html_()

    @property
    def thresholds(self) -> dict[str, float | None]:
        """Class → probability above which it is tagged; None where it never is."""
        return {name: rule.probability for name, rule in self.rules.items()}


def choose_thresholds(run: Path, aim: Aim, calibrate: bool = True) -> ChosenThresholds:
    """Chooses thresholds on val, measures them on test, and saves them in ``best/config.json``.

    Args:
        run: A finished run folder.
        aim: What thresholds are chosen for.
        calibrate: Whether probabilities are calibrated on val, where its labels allow it; False
            leaves, or restores, those of the network.

    Raises:
        ConfigError: no such run, one that is not finished, or data with other classes or inputs.
        DataError, LabelError: the data cannot be read.
        RunError: ``best/config.json`` cannot be written; it is as it was.
    """
    folder = RunFolder(run)
    settings, model = saved_settings(run), load(run)
    if not folder.finished:
        raise ConfigError(
            f"The run in {run} is not finished, and going on would choose thresholds again. Finish "
            f"it with 'largeloss train --resume --out {run}'."
        )
    data = readable_data(settings)
    table = data.training.labels
    if table.classes != model.classes or data.training.source.sample_shape != model.sample_shape:
        raise ConfigError(
            f"The model of {run} was trained on other classes or inputs than its data has now. "
            "Restore the data, or train again in another folder."
        )
    evaluators = make_evaluators(settings, data)
    check_observed(evaluators.val, "Thresholds cannot be chosen on val")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = model.network.to(device)
    trained = settings.training
    recipe = Recipe(batch_size=min(trained.batch_size, 64), workers=trained.workers)

    def scored(split: str, evaluator: Evaluator) -> Measured:
        loader = evaluation_loader(data.reference, split, recipe, device)
        return evaluator.scores(network, loader)

    val, test = evaluators.val, evaluators.test
    val_scores, test_scores = scored("val", val), scored("test", test)
    calibration, notes = _calibration(val, val_scores) if calibrate else (None, [])
    if has_changed(run, data):
        notes.append(
            "Labels or splits of the data are not those that the run was trained with: val and "
            "test may hold images that it was trained on."
        )
    own_test = "test" in data.reference.splits
    if not own_test:
        notes.append(
            f"{NO_TEST} Its images also chose the thresholds, so that precision and recall are "
            "higher than on other images."
        )
    trained_on = training_labels(data, settings.method.name)
    rules, unreachable = tag_rules(trained_on, val, val_scores, aim, calibration)
    notes.extend(_of_others(rules))
    limits = logit_thresholds(rules, calibration)
    chosen_for = ChosenFor(
        aim=str(aim),
        unreachable=list(unreachable),
        val=_overall(val, val_scores, limits),
        test=_overall(test, test_scores, limits),
        test_classes=_by_class(test, test_scores, limits),
        test_rule=test.rule,
    )
    reliability: dict[str, Reliability] = {}
    if calibration is not None and own_test:
        reliability = _reliability(test, test_scores, calibration)
    saved = _saved(model.classes, calibration, reliability)
    with folder:
        config = load_config(folder.best)
        config |= {"thresholds": saved_rules(rules), "chosen_for": chosen_for.model_dump()}
        config.pop("calibration", None)
        save_config(folder.best, config | saved)
    return ChosenThresholds(rules, chosen_for, reliability, (_basis(val, test, own_test), *notes))


def _basis(val: Evaluator, test: Evaluator, own_test: bool) -> str:
    measured_on = "test" if own_test else "val"
    return f"Chosen on val by {RULES[val.rule]}; measured on {measured_on} by {RULES[test.rule]}."


def _of_others(rules: dict[str, TagRule]) -> list[str]:
    """Which classes have a threshold that val says nothing of."""
    names = [name for name, one in rules.items() if one.positives == 0 and one.probability]
    if not names:
        return []
    return [
        f"Val has no present label of {len(names)} of {len(rules)} classes "
        f"({', '.join(names[:3])}{', …' * (len(names) > 3)}): they have the threshold of all "
        "classes together, and nothing shows that it reaches the aim for them."
    ]


def _calibration(val: Evaluator, scores: Measured) -> tuple[Calibration | None, list[str]]:
    """Fitted to val, and remarks; None where val cannot tell."""
    if val.rule == "assume-absent":
        return None, [
            "Scores were not calibrated: fewer than half of the classes of val have observed "
            "absences, so that a calibrated score would be the probability that somebody wrote the "
            "tag down, not that it is true. Give val images with absent labels."
        ]
    entries = val.entries(scores)
    if not 0 < (entries.states == 1).sum() < len(entries.states):
        return None, ["Scores were not calibrated: val has labels of one kind only."]
    notes = []
    if val.rule == "observed":
        notes.append(
            "Scores are calibrated on the observed entries of val: a score is the share of present "
            "ones among entries that somebody looked at, and may be wrong for those that were "
            "never candidates."
        )
    classes = val.table.classes
    counts = np.bincount(entries.columns[entries.states == 1], minlength=len(classes))
    few = [name for name, count in zip(classes, counts, strict=True) if 0 < count < _FEW]
    if few:
        notes.append(
            f"{len(few)} of {len(classes)} classes have fewer than {_FEW} present labels on val "
            f"({', '.join(few[:3])}{', …' * (len(few) > 3)}): how their scores are calibrated "
            "rests on little. --no-calibrate leaves the network's own scores."
        )
    return fit_calibration(*entries, len(classes)), notes


def _reliability(
    test: Evaluator, scores: Measured, calibration: Calibration
) -> dict[str, Reliability]:
    if test.rule in ("assume-absent", "nothing"):
        return {}
    logits, states, columns = test.entries(scores)
    values = logits.astype(np.float64)
    lines = values * calibration.slopes[columns] + calibration.offsets[columns]
    return {
        "before": measured_reliability(values, states),
        "after": measured_reliability(lines, states),
    }


def _overall(evaluator: Evaluator, scores: Measured, limits: Any) -> TagShares:
    counts = evaluator.tag_counts(scores, limits)
    hits, tagged, present = (
        int(numbers.sum()) for numbers in (counts.hits, counts.predicted, counts.positives)
    )
    return TagShares(
        precision=hits / tagged if tagged else None,
        recall=hits / present if present else None,
        positives=present,
    )


def _by_class(evaluator: Evaluator, scores: Measured, limits: Any) -> dict[str, TagShares]:
    counts = evaluator.tag_counts(scores, limits)
    columns = zip(counts.precision, counts.recall, counts.positives.tolist(), strict=True)
    return {
        name: TagShares(
            precision=number_or_none(precision), recall=number_or_none(recall), positives=positives
        )
        for name, (precision, recall, positives) in zip(
            evaluator.table.classes, columns, strict=True
        )
    }


def _saved(
    classes: tuple[str, ...],
    calibration: Calibration | None,
    found: dict[str, Reliability],
) -> dict[str, Any]:
    """What ``config.json`` says of the calibration; nothing where there is none."""
    if calibration is None:
        return {}
    lines = zip(calibration.slopes.tolist(), calibration.offsets.tolist(), strict=True)
    return {
        "calibration": Calibrated(
            lines={
                name: Line(slope=slope, offset=offset)
                for name, (slope, offset) in zip(classes, lines, strict=True)
            },
            before=_bins(found.get("before")),
            after=_bins(found.get("after")),
        ).model_dump()
    }


def _bins(found: Reliability | None) -> list[Bin]:
    if found is None:
        return []
    columns = zip(found.mean.tolist(), found.present.tolist(), found.entries.tolist(), strict=True)
    return [
        Bin(probability=mean, present=present, entries=entries)
        for mean, present, entries in columns
        if entries
    ]
