"""Criteria that choose an epoch, of predictions after every epoch; beside selection.py."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from largeloss.labels.estimate import best_bin_priors
from largeloss.losses.class_priors import BINS


@dataclass(frozen=True)
class Predictions:
    """A run's logits (E, N, C) after E epochs, and labels (N, C)."""

    train: Any
    val: Any
    test: Any
    train_shown: Any
    val_shown: Any
    train_truth: Any
    val_truth: Any
    test_truth: Any
    planted: Any
    """(2, P): rows and columns of tags of train that were hidden on top."""


def figures(run: Predictions) -> dict[str, Any]:
    """Criterion → (E,): higher is better. ``test``: test mAP, in percent."""
    shown, tags = run.val_shown == 1, run.train_shown == 1
    logits = run.val.astype(np.float64)
    naive = precision(logits, shown)
    given, true = np.maximum(shown.mean(0), 1e-9), (run.val_truth == 1).mean(0)
    ratio = priors(run.train, tags) / np.maximum(tags.mean(0), 1e-9)  # (E, C)
    probable = np.minimum(1, ratio[:, None] / (1 + np.exp(-logits))).sum(2, keepdims=True)
    planted = np.full_like(run.train_shown, -1)
    planted[run.train_shown < 0] = 0
    planted[tuple(run.planted)] = 1
    ranked = savage(logits, shown).mean(1)
    return {
        "complete labels, mAP": precision(logits, run.val_truth == 1).mean(1),
        "complete labels, AUC": area(logits, run.val_truth == 1).mean(1),
        "complete labels, log rank": savage(logits, run.val_truth == 1).mean(1),
        "blanks absent: mAP": naive.mean(1),
        "mAP, stopped 3 points below its best": stopped(100 * naive.mean(1)),
        "AP × estimated / given share of the class": (naive * ratio).mean(1),
        "AP × true / given share of the class": (naive * true / given).mean(1),
        "AP, tags weighed by the image's expected number": precision(
            logits, shown * np.maximum(1, probable)
        ).mean(1),
        "planted misses: mAP": _planted(precision, run.train, planted),
        "planted misses: AUC": _planted(area, run.train, planted),
        "blanks absent: cross-entropy": -(np.logaddexp(0, logits) - shown * logits).mean((1, 2)),
        "share of the tags among their image's first three": _first_three(logits, shown),
        "blanks absent: AUC": area(logits, shown).mean(1),
        "blanks absent: log rank": ranked,
        "log rank, stopped 3 points below its best": stopped(100 * ranked),
        "log rank, stopped 6 points below its best": stopped(100 * ranked, 6.0),
        "the last epoch": np.arange(len(logits)),
        "test": 100 * precision(run.test.astype(np.float64), run.test_truth == 1).mean(1),
    }


def precision(scores: Any, weights: Any) -> Any:
    """(E, C): average precision, each present entry with its weight; 0 without any."""
    weights = np.broadcast_to(weights, scores.shape).astype(np.float64)
    order = np.argsort(-scores, axis=1, kind="stable")
    ranked = np.take_along_axis(weights, order, 1)
    ranks = np.arange(1, scores.shape[1] + 1)[:, None]
    shares = np.minimum(1, ranked.cumsum(1) / ranks)
    return (ranked * shares).sum(1) / np.maximum(weights.sum(1), 1e-9)


def area(scores: Any, present: Any) -> Any:
    """(E, C): area under the ROC curve; one half where a class has entries of one kind only."""
    ranks = np.argsort(np.argsort(scores, axis=1), axis=1) + 1
    hits = present.sum(0)
    pairs = hits * (len(present) - hits)
    above = (ranks * present).sum(1) - hits * (hits + 1) / 2
    return np.where(pairs > 0, above / np.maximum(pairs, 1), 0.5)


def savage(scores: Any, present: Any) -> Any:
    """(E, C): log rank; 0 where a class has entries of one kind only."""
    order = np.argsort(-scores, axis=1, kind="stable")
    hit = np.take_along_axis(np.broadcast_to(present, scores.shape), order, 1)
    values = np.cumsum(1 / np.arange(len(present), 0, -1))[::-1]
    hits = present.sum(0)
    best = np.array([values[: max(1, number)].mean() for number in hits])
    reached = (hit * values[:, None]).sum(1) / np.maximum(hits, 1)
    known = (hits > 0) & (hits < len(present))
    return np.where(known, (reached - 1) / np.where(known, best - 1, 1), 0.0)


def priors(scores: Any, present: Any) -> Any:
    """(E, C): best-bin estimates, as the product makes them."""
    places = ((np.clip(scores, -16, 16) + 16) * 16).astype(np.int64)
    found = []
    for bins in places:
        counts = [
            np.stack([np.bincount(column[kept], minlength=BINS) for column, kept in pairs])
            for pairs in (
                [(column, slice(None)) for column in bins.T],
                list(zip(bins.T, present.T, strict=True)),
            )
        ]
        images, positives = counts
        found.append(best_bin_priors(images, positives))
    return np.stack(found)


def stopped(figure: Any, below: float = 3.0) -> Any:
    """``figure`` without the epochs that early stopping would not train."""
    fallen = np.flatnonzero(figure < np.maximum.accumulate(figure) - below)
    kept = figure.copy()
    if len(fallen):
        kept[fallen[0] + 1 :] = -np.inf
    return kept


def _planted(measure: Any, scores: Any, planted: Any) -> Any:
    """(E,): mean over the classes that have planted misses; of blank entries alone."""
    columns = []
    for column, states in enumerate(planted.T):
        if (states == 1).any():
            blank = states >= 0
            columns.append(measure(scores[:, blank, column, None], states[blank, None] == 1))
    return np.concatenate(columns, 1).mean(1)


def _first_three(logits: Any, shown: Any) -> Any:
    first = np.argsort(-logits, axis=2)[:, :, :3]
    rows = np.arange(shown.shape[0])[:, None]
    return np.array([shown[rows, own].sum() / shown.sum() for own in first])
