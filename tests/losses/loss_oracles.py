"""The losses by plain loops in Python's floats, and made-up batches for them.

Written from the equations, with lists of lists: ``logits[b][c]``, ``labels[b][c]`` in {1, 0, -1}.
"""

import contextlib
import math
import warnings
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import torch
from hypothesis import settings
from hypothesis import strategies as st

EXACT: dict[str, Any] = {"rtol": 0, "atol": 1e-12}
quick = settings(database=None, max_examples=40)


# One entry.


def softplus(x):
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def sigmoid(x):
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def cross_entropy(x, target):
    """-t log p - (1 - t) log (1 - p)."""
    return target * softplus(-x) + (1 - target) * softplus(x)


# The large-loss methods.


def number_large(entries, percent):
    """ceil(entries * percent / 100), in exact decimal arithmetic."""
    return math.ceil(entries * Fraction(str(percent)) / 100)


def growing_percent(epoch, delta_rel, warmup_epochs=1):
    return max(0, epoch - warmup_epochs + 1) * Fraction(str(delta_rel))


def constant_percent(epoch, delta_rel, warmup_epochs=1):
    return Fraction(str(delta_rel)) if epoch >= warmup_epochs else Fraction(0)


def large_entries(logits, candidates, k, ties):
    """The set of (b, c) among ``candidates`` with the k largest assume-negative losses."""
    ranked = sorted(candidates, key=lambda at: (-softplus(logits[at[0]][at[1]]), at))
    if k <= 0 or not ranked:
        return set()
    if ties == "stable":
        return set(ranked[:k])
    b, c = ranked[min(k, len(ranked)) - 1]
    threshold = softplus(logits[b][c])
    return {(b, c) for b, c in ranked if softplus(logits[b][c]) >= threshold}


def select(logits, labels, percent, rate_base="all", ties="include"):
    """The unobserved entries that count as large at a rate of ``percent``."""
    blank = [(b, c) for b, row in enumerate(labels) for c, y in enumerate(row) if y == -1]
    entries = len(blank) if rate_base == "unobserved" else sum(len(row) for row in labels)
    return large_entries(logits, blank, number_large(entries, percent), ties)


# Value and gradient.


class Expected(NamedTuple):
    value: float
    gradient: np.ndarray


def weighted_mean(logits, targets, weights, denominator=None):
    """sum of w * cross-entropy over B*C (or ``denominator``), and its derivative."""
    num_images, num_classes = len(logits), len(logits[0])
    count = num_images * num_classes if denominator is None else denominator
    value, gradient = 0.0, np.zeros((num_images, num_classes))
    for b in range(num_images):
        for c in range(num_classes):
            x, t, w = logits[b][c], targets[b][c], weights[b][c]
            if w:
                value += w * cross_entropy(x, t) / count
                gradient[b, c] = w * (sigmoid(x) - t) / count
    return Expected(value, gradient)


def each(labels, rule):
    """``rule(y)`` of each label."""
    return [[rule(y) for y in row] for row in labels]


def full(logits, labels):
    return weighted_mean(logits, each(labels, lambda y: y), each(labels, lambda y: 1))


def assume_negative(logits, labels):
    return weighted_mean(logits, each(labels, lambda y: int(y == 1)), each(labels, lambda y: 1))


def ignore_unobserved(logits, labels, denominator="all"):
    num_observed = sum(y != -1 for row in labels for y in row)
    return weighted_mean(
        logits,
        each(labels, lambda y: int(y == 1)),
        each(labels, lambda y: int(y != -1)),
        num_observed if denominator == "observed" else None,
    )


def weighted_assume_negative(logits, labels):
    num_classes = len(labels[0])
    small = 1.0 if num_classes == 1 else 1 / (num_classes - 1)
    return weighted_mean(
        logits,
        each(labels, lambda y: int(y == 1)),
        each(labels, lambda y: small if y == -1 else 1),
    )


def label_smoothing(logits, labels, smoothing=0.1):
    return weighted_mean(
        logits,
        each(labels, lambda y: 1 - smoothing if y == 1 else smoothing),
        each(labels, lambda y: 1),
    )


def expected_positive(logits, labels, expected_positives):
    positive = each(labels, lambda y: int(y == 1))
    value, gradient = weighted_mean(logits, positive, positive)
    num_images, num_classes = len(logits), len(logits[0])
    mean_count = sum(sigmoid(x) for row in logits for x in row) / num_images
    excess = mean_count - expected_positives
    for b, row in enumerate(logits):
        for c, x in enumerate(row):
            slope = sigmoid(x) * sigmoid(-x)
            gradient[b, c] += 2 * excess / num_classes**2 * slope / num_images
    return Expected(value + excess**2 / num_classes**2, gradient)


def rejection(logits, labels, chosen):
    """LL-R, where ``chosen`` are the selected."""
    weights = each(labels, lambda y: 1)
    for b, c in chosen:
        weights[b][c] = 0
    return weighted_mean(logits, each(labels, lambda y: int(y == 1)), weights)


def correction(logits, labels, chosen):
    """LL-Ct and LL-Cp, where ``chosen`` are the selected."""
    targets = each(labels, lambda y: int(y == 1))
    for b, c in chosen:
        targets[b][c] = 1
    return weighted_mean(logits, targets, each(labels, lambda y: 1))


# Losses that are no weighted cross-entropy: an entry's value and slope.


def mean_of_entries(logits, labels, rule, reduction="mean"):
    """The mean (or sum) of ``rule(x, y, (b, c))``, which gives value and slope of an entry."""
    num_images, num_classes = len(logits), len(logits[0])
    count = 1 if reduction == "sum" else num_images * num_classes
    total, gradient = 0.0, np.zeros((num_images, num_classes))
    for b in range(num_images):
        for c in range(num_classes):
            value, slope = rule(logits[b][c], labels[b][c], (b, c))
            total += value / count
            gradient[b, c] = slope / count
    return Expected(total, gradient)


def cross_entropy_entry(x, target):
    return cross_entropy(x, target), sigmoid(x) - target


def minus_entropy(x):
    p = sigmoid(x)
    return x * p - softplus(x), x * p * sigmoid(-x)


def entropy_maximization(logits, labels, alpha, soft=(), beta=0.0):
    """``soft``: (b, c) → the probability that was taken as a label of an unobserved entry."""
    soft = dict(soft)

    def rule(x, y, at):
        if y != -1:
            return cross_entropy_entry(x, y)
        value, slope = cross_entropy_entry(x, soft[at]) if at in soft else minus_entropy(x)
        weight = beta if at in soft else alpha
        return weight * value, weight * slope

    return mean_of_entries(logits, labels, rule)


def focal_present(x, gamma):
    p, absent = sigmoid(x), sigmoid(-x)
    value = absent**gamma * softplus(-x)
    return value, -gamma * p * value - absent ** (gamma + 1)


def focal_absent(x, gamma, clip=0.0):
    if clip == 0:
        value, slope = focal_present(-x, gamma)
        return value, -slope
    p, s = sigmoid(x), sigmoid(x) - clip
    if s <= 0:
        return 0.0, 0.0
    rest = sigmoid(-x) + clip
    slope = (gamma * s ** (gamma - 1) * -math.log(rest) if gamma else 0) + s**gamma / rest
    return s**gamma * -math.log(rest), p * sigmoid(-x) * slope


def asymmetric(
    logits, labels, present, absent, clip, unobserved=None, ignored=(), reduction="mean"
):
    """``present``, ``absent``, ``unobserved``: the gammas; ``ignored``: (b, c) of no weight."""
    unobserved = absent if unobserved is None else unobserved

    def rule(x, y, at):
        if at in ignored:
            return 0.0, 0.0
        return (
            focal_present(x, present)
            if y == 1
            else focal_absent(x, absent if y == 0 else unobserved, clip)
        )

    return mean_of_entries(logits, labels, rule, reduction)


def hill(logits, labels, margin=1.0, reduction="mean"):
    def rule(x, y, at):
        if y == 1:
            return focal_present(x - margin, 2)
        p = sigmoid(x)
        return (1.5 - p) * p**2, 3 * p**2 * sigmoid(-x) ** 2

    return mean_of_entries(logits, labels, rule, reduction)


def self_paced_correction(logits, labels, corrects, threshold, margin, gamma, reduction="mean"):
    def rule(x, y, at):
        if y == 1:
            return focal_present(x - margin, gamma)
        if y == -1 and corrects and sigmoid(x) > threshold:
            return focal_present(x, gamma)
        return focal_absent(x, gamma)

    return mean_of_entries(logits, labels, rule, reduction)


def robust_present(x, q):
    powered = math.exp(-q * softplus(-x))
    return (1 - powered) / q, -powered * sigmoid(-x)


def generalized_robust(logits, labels, epoch, num_epochs, slope, offset, q_present, q_absent):
    before, after = min(1, epoch / num_epochs), min(1, (epoch + 1) / num_epochs)
    b = (1 - before) * -2 + before * offset
    mu, sigma = (1 - after) * 0.5 + after * 0.8, (1 - after) * 2 + after * 0.5

    def rule(x, y, at):
        if y != -1:
            return cross_entropy_entry(x, y)
        k = sigmoid(before * slope * sigmoid(x) + b)
        v = math.exp(-((sigmoid(x) - mu) ** 2) / 2 / sigma**2)
        yes, yes_slope = robust_present(x, q_present)
        no, no_slope = robust_present(-x, q_absent)
        return v * (k * yes + (1 - k) * no), v * (k * yes_slope - (1 - k) * no_slope)

    return mean_of_entries(logits, labels, rule)


def class_prior_risk(logits, labels, priors):
    num_images, num_classes = len(logits), len(logits[0])
    value, gradient = 0.0, np.zeros((num_images, num_classes))
    for c, prior in enumerate(priors):
        positives = [b for b in range(num_images) if labels[b][c] == 1]
        probability = [sigmoid(row[c]) for row in logits]
        excess = sum(probability) / num_images - prior
        missed = sum(1 - probability[b] for b in positives) / max(1, len(positives))
        value += (2 * prior * missed + abs(excess)) / num_classes
        for b, p in enumerate(probability):
            slope = (excess > 0) - (excess < 0)
            gradient[b, c] = slope / num_images
            if b in positives:
                gradient[b, c] -= 2 * prior / len(positives)
            gradient[b, c] *= p * (1 - p) / num_classes
    return Expected(value, gradient)


# Running ours beside them.


@contextlib.contextmanager
def complete_labels_allowed():
    """Silences the warning about a first batch without an unobserved entry."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*first batch has no unobserved entry")
        yield


def run(loss, logits, labels, rows=None):
    """Value and gradient of ``loss`` in float64."""
    leaf = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    with complete_labels_allowed():
        value = loss(leaf, torch.tensor(labels, dtype=torch.int8), rows)
    value.backward()
    return Expected(value.item(), leaf.grad.numpy())


def assert_equal(got, expected):
    np.testing.assert_allclose(got.value, expected.value, **EXACT)
    np.testing.assert_allclose(got.gradient, expected.gradient, **EXACT)


# Batches.


def make_batch(seed, num_images=6, num_classes=5, observed=0.4, levels=None) -> tuple[list, list]:
    """Random logits (of few ``levels``, so that they tie; None: none do) and labels."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=3, size=(num_images, num_classes))
    if levels is not None:
        logits = np.round(logits * levels / 6) * 6 / levels
    labels = rng.integers(0, 2, size=logits.shape)
    labels[rng.random(logits.shape) >= observed] = -1
    return logits.tolist(), labels.tolist()


@st.composite
def batches(draw, labels=(-1, 0, 1), max_images=5, max_classes=5):
    """(logits, labels) with many ties; often all entries of one kind."""
    num_images = draw(st.integers(1, max_images))
    num_classes = draw(st.integers(1, max_classes))
    kinds = [st.sampled_from(labels)]
    if -1 in labels:
        kinds += [st.just(-1), st.sampled_from([0, 1])]
    label = draw(st.sampled_from(kinds))
    step = draw(st.sampled_from([0.25, 4.0]))
    logit = st.integers(-10, 10).map(lambda number: number * step)

    def table(entry):
        row = st.lists(entry, min_size=num_classes, max_size=num_classes)
        return draw(st.lists(row, min_size=num_images, max_size=num_images))

    return table(logit), table(label)
