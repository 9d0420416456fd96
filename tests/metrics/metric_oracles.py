"""Metrics by plain loops, and made-up data with ties and unobserved entries."""

from itertools import pairwise

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

ANYTHING = (
    hnp.arrays(np.float32, (12, 2), elements=st.floats(-4, 4, width=16)),
    hnp.arrays(np.int8, (12, 2), elements=st.integers(-1, 1)),
)
"""Of what hypothesis draws scores and labels."""


def make_data(seed, rows=60, classes=7, observed=1.0, levels=None, dtype=np.float32):
    """Scores (rows, classes) of ``levels`` distinct values (None: continuous), and labels."""
    rng = np.random.default_rng(seed)
    labels = (rng.random((rows, classes)) < 0.3).astype(np.int8)
    scores = rng.normal(size=(rows, classes)) + labels
    if levels is not None:
        scores = np.round(scores * levels / 4) / levels
    labels[rng.random((rows, classes)) >= observed] = -1
    return scores.astype(dtype), labels


def observed_column(scores, labels, column):
    """The observed (score, label) pairs of one class."""
    pairs = zip(scores[:, column], labels[:, column], strict=True)
    return [(float(s), int(y)) for s, y in pairs if y >= 0]


def average_precision_loop(scores, labels):
    """At each distinct score, from above: the gain in recall times the precision."""
    result = []
    for column in range(scores.shape[1]):
        pairs = observed_column(scores, labels, column)
        positives = sum(y for _, y in pairs)
        total = recall = 0.0
        for threshold in sorted({s for s, _ in pairs}, reverse=True):
            kept = [y for s, y in pairs if s >= threshold]
            if positives:
                total += (sum(kept) / positives - recall) * sum(kept) / len(kept)
                recall = sum(kept) / positives
        result.append(total)
    return np.array(result)


def log_rank_loop(scores, labels):
    """The mean score of the present entries, from 0 by chance to 1 at best; one at rank r scores
    1/r + … + 1/n, and equal ones the mean of theirs."""
    result = []
    for column in range(scores.shape[1]):
        pairs = observed_column(scores, labels, column)
        n, present = len(pairs), sum(y for _, y in pairs)
        if not 0 < present < n:
            result.append(np.nan)
            continue
        savage = [sum(1 / j for j in range(r, n + 1)) for r in range(1, n + 1)]
        total = 0.0
        for score, label in pairs:
            if label:
                above = sum(s > score for s, _ in pairs)
                equal = sum(s == score for s, _ in pairs)
                total += sum(savage[above : above + equal]) / equal
        best = sum(savage[:present]) / present
        result.append((total / present - 1) / (best - 1))
    return np.array(result)


def ratio(part, whole):
    return part / whole if whole else 0.0


def f1_loop(scores, labels, thresholds, absent):
    """OP, OR, OF1, CP, CR, CF1 in percent and the number of absent classes."""
    all_hits = all_predicted = all_positive = num_absent = 0
    precisions, recalls = [], []
    for column, threshold in enumerate(thresholds):
        hits = predicted = positive = 0
        for score, label in observed_column(scores, labels, column):
            hits += score > threshold and label == 1
            predicted += score > threshold
            positive += label == 1
        all_hits, all_predicted = all_hits + hits, all_predicted + predicted
        all_positive += positive
        num_absent += positive == 0
        if positive or absent == "zero":
            precisions.append(ratio(hits, predicted))
            recalls.append(ratio(hits, positive))
    result = []
    for precision, recall in (
        (ratio(all_hits, all_predicted), ratio(all_hits, all_positive)),
        (ratio(sum(precisions), len(precisions)), ratio(sum(recalls), len(recalls))),
    ):
        result += [precision, recall, ratio(2 * precision * recall, precision + recall)]
    return [100 * value for value in result] + [num_absent]


def f1_of_cut(pairs, threshold):
    """F1 of one class, predicting score > threshold."""
    hits = sum(y for s, y in pairs if s > threshold)
    predicted = sum(s > threshold for s, _ in pairs)
    return ratio(2 * hits, predicted + sum(y for _, y in pairs))


def best_threshold_loop(pairs):
    """Try every cut; the highest of the best, or None for the one below all scores."""
    distinct = sorted({s for s, _ in pairs})
    if {y for _, y in pairs} != {0, 1}:
        return 0.0
    cuts = [-np.inf] + [(a + b) / 2 for a, b in pairwise(distinct)]
    best = max(cuts, key=lambda cut: (f1_of_cut(pairs, cut), cut))
    return None if best == -np.inf else best


def shrunk_threshold_loop(scores, labels, column, learnt, prior=20):
    """Own best cut and that of all learnt classes pooled, weighted by the rarer of two states."""
    if not learnt[column]:
        return np.inf
    pairs = observed_column(scores, labels, column)
    pooled = [p for c in np.flatnonzero(learnt) for p in observed_column(scores, labels, c)]
    own, common = (
        min(s for s, _ in some) if (cut := best_threshold_loop(some)) is None else cut
        for some in (pairs, pooled)
    )
    fewer = min(sum(y == state for _, y in pairs) for state in (0, 1))
    weight = fewer / (fewer + prior)
    return weight * own + (1 - weight) * common
