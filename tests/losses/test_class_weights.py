"""Tags of rare classes weigh more, in every method: beside plain loops over entries."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from loss_oracles import EXACT, cross_entropy, large_entries, number_large, quick
from test_every_loss import NUM_CLASSES, batch, every_loss, make

from largeloss.errors import ConfigError
from largeloss.losses import AssumeNegative, LargeLossRejection, class_weights

WEIGHTS = [0.5, 2.0, 1.25, 3.0, 0.75]
counts = st.lists(st.integers(0, 10_000), min_size=1, max_size=8).filter(any)


def made_of(tags):
    """The weights by a loop: 1 / sqrt(n), over its mean of all tags."""
    inverse = [1 / math.sqrt(n) if n else None for n in tags]
    mean = sum(n * w for n, w in zip(tags, inverse, strict=True) if n) / sum(tags)
    return [1.0 if w is None else w / mean for w in inverse]


@quick
@given(counts)
def test_weights_are_those_of_a_loop(tags):
    got = class_weights(tags).tolist()
    np.testing.assert_allclose(got, made_of(tags), rtol=1e-6)


@quick
@given(counts)
def test_the_mean_over_tags_is_one_and_rare_classes_weigh_more(tags):
    weights = class_weights(torch.tensor(tags))
    assert weights.isfinite().all()
    assert (weights > 0).all()
    mean = (weights.double() * torch.tensor(tags)).sum() / sum(tags)
    assert float(mean) == pytest.approx(1, abs=1e-5)
    seen = sorted((n, w) for n, w in zip(tags, weights.tolist(), strict=True) if n)
    assert [w for _, w in seen] == sorted((w for _, w in seen), reverse=True)


@pytest.mark.parametrize("tags", [[7], [3, 3, 3]])
def test_classes_of_one_frequency_weigh_one(tags):
    assert class_weights(np.array(tags)).tolist() == [1.0] * len(tags)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ([0, 0], "nothing to balance"),
        ([], "nothing to balance"),
        ([1, -1], "number of tags of each class"),
        ([1, math.nan], "number of tags of each class"),
        (torch.ones(2, 3), r"shape \(C,\)"),
    ],
)
def test_what_is_no_count_is_refused(tags, message):
    with pytest.raises(ConfigError, match=message):
        class_weights(tags)


@every_loss
@pytest.mark.parametrize("epoch", [0, 1, 3])
def test_every_method_weighs_the_entries_that_are_given_as_present(name, epoch):
    logits, labels, rows = batch(name, dtype=torch.float64)
    plain, weighed = make(name, epoch), make(name, epoch)
    weighed.class_weights = torch.tensor(WEIGHTS, dtype=torch.float64)
    decision = plain.decide(logits, labels, rows)
    entries = plain.entry_loss(logits, labels, decision.targets)
    unweighted = plain.eval()(logits, labels, rows)
    more = 0.0
    own = torch.ones(()) if decision.weights is None else decision.weights
    for b, c in np.ndindex(labels.shape):
        if labels[b, c] == 1:
            target = float(decision.targets[b, c])
            x = float(logits[b, c])
            entry = cross_entropy(x, target) if entries is None else float(entries[b, c])
            more += (WEIGHTS[c] - 1) * float(own.expand(labels.shape)[b, c]) * entry
    got = weighed.eval()(logits, labels, rows)
    torch.testing.assert_close(got, unweighted + more / labels.numel(), **EXACT)


@every_loss
def test_weights_of_one_change_nothing(name):
    logits, labels, rows = batch(name)
    one, other = make(name), make(name)
    other.class_weights = torch.ones(NUM_CLASSES)
    got, expected = other(logits, labels, rows), one(logits, labels, rows)
    torch.testing.assert_close(got, expected, rtol=1e-6, atol=1e-7)
    assert one.state_dict().keys() == other.state_dict().keys()


def test_what_is_rejected_stays_the_same():
    logits, labels, rows = batch("ll-r", dtype=torch.float64)
    loss = LargeLossRejection(delta_rel=20)
    loss.set_epoch(1)
    before = loss.flagged(logits, labels, rows)
    loss.class_weights = torch.tensor(WEIGHTS, dtype=torch.float64)
    assert torch.equal(loss.flagged(logits, labels, rows), before)
    states = labels.tolist()
    blank = [at for at in np.ndindex(labels.shape) if states[at[0]][at[1]] == -1]
    left_out = large_entries(logits.tolist(), blank, number_large(labels.numel(), 20), "include")
    expected = 0.0
    for b, c in np.ndindex(labels.shape):
        present = states[b][c] == 1
        weight = WEIGHTS[c] if present else float((b, c) not in left_out)
        expected += weight * cross_entropy(float(logits[b, c]), int(present)) / labels.numel()
    torch.testing.assert_close(float(loss(logits, labels)), expected, **EXACT)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (torch.ones(4), r"shape \(4,\), and the batch has 5 classes"),
        (torch.ones(()), r"shape \(\)"),
        (torch.tensor([1, 1, 0, 1, 1.0]), "must be positive numbers"),
        (torch.tensor([1, 1, math.inf, 1, 1]), "must be positive numbers"),
    ],
)
def test_weights_of_others_are_looked_at(weights, message):
    loss = AssumeNegative()
    loss.class_weights = weights
    with pytest.raises(ConfigError, match=message):
        loss(*batch("an")[:2])
