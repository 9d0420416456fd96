import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from loss_oracles import (
    EXACT,
    batches,
    large_entries,
    make_batch,
    number_large,
    quick,
    sigmoid,
)

from largeloss.losses.functional import (
    expected_positives_penalty,
    large_loss,
    num_large,
    observed,
    present,
    unobserved,
)

CLASSES = {"voc": 20, "coco": 80, "cub": 312}


def entries_of(mask):
    return {tuple(at) for at in mask.nonzero().tolist()}


def test_label_states():
    labels = torch.tensor([[1, 0, -1]], dtype=torch.int8)
    assert present(labels).tolist() == [[True, False, False]]
    assert observed(labels).tolist() == [[True, True, False]]
    assert unobserved(labels).tolist() == [[False, False, True]]


# k.


@pytest.mark.parametrize(
    ("dataset", "delta_rel", "expected"),
    [
        ("voc", 0.2, [1, 2, 4, 6]),
        ("coco", 0.4, [6, 11, 26, 47]),
        ("cub", 0.4, [20, 40, 100, 180]),
    ],
)
def test_published_numbers_of_growing_rates(dataset, delta_rel, expected):
    entries = 16 * CLASSES[dataset]
    assert [num_large(entries, epoch * delta_rel / 100) for epoch in (1, 2, 5, 9)] == expected


@pytest.mark.parametrize(
    ("dataset", "delta_rel", "expected"), [("voc", 0.1, 1), ("coco", 0.2, 3), ("cub", 0.2, 10)]
)
def test_published_numbers_of_constant_rates(dataset, delta_rel, expected):
    assert num_large(16 * CLASSES[dataset], delta_rel / 100) == expected


@pytest.mark.parametrize(
    ("entries", "rate", "expected"),
    [
        (320, 0.025, 8),
        (320, 0.0, 0),
        (320, -0.1, 0),
        (0, 0.5, 0),
        (1, 0.001, 1),
        (7, 1.0, 7),
        (7, 1.5, 7),
        (1000, 0.3, 300),
        (1000, 0.1 + 0.2, 300),
    ],
)
def test_number_of_large_losses(entries, rate, expected):
    assert num_large(entries, rate) == expected
    assert isinstance(num_large(entries, rate), int)


@quick
@given(st.integers(1, 100_000), st.integers(1, 20), st.integers(1, 30))
def test_number_of_large_losses_equals_exact_arithmetic(entries, tenths, epoch):
    percent = min(epoch * Fraction(tenths, 10), Fraction(100))
    assert num_large(entries, epoch * (tenths / 10) / 100) == math.ceil(entries * percent / 100)
    assert num_large(entries, float(percent) / 100) == number_large(entries, percent)


# The selection.


@quick
@given(batches(), st.data(), st.sampled_from(["include", "stable"]))
def test_large_loss_equals_the_loop(batch, data, ties):
    logits, labels = batch
    blank = [(b, c) for b, row in enumerate(labels) for c, y in enumerate(row) if y == -1]
    k = data.draw(st.integers(0, len(logits) * len(logits[0])))
    got = large_loss(
        torch.tensor(logits, dtype=torch.float64), torch.tensor(labels) == -1, k, ties=ties
    )
    assert got.dtype == torch.bool
    assert entries_of(got) == large_entries(logits, blank, k, ties)


@pytest.mark.parametrize("ties", ["include", "stable"])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("levels", [None, 4])
def test_large_loss_equals_the_loop_in_larger_batches(ties, seed, levels):
    logits, labels = make_batch(seed, 16, 20, observed=0.1, levels=levels)
    blank = [(b, c) for b, row in enumerate(labels) for c, y in enumerate(row) if y == -1]
    for k in (0, 1, 2, 8, 50, len(blank) - 1, len(blank), 320):
        got = large_loss(torch.tensor(logits), torch.tensor(labels) == -1, k, ties)
        rounded = torch.tensor(logits).double().tolist()
        assert entries_of(got) == large_entries(rounded, blank, k, ties)


@pytest.mark.parametrize("ties", ["include", "stable"])
def test_more_than_there_are_selects_all_candidates(ties):
    candidates = torch.tensor([[True, False, True]])
    for k in (2, 3, 100):
        assert torch.equal(large_loss(torch.tensor([[1.0, 9, 0]]), candidates, k, ties), candidates)


@pytest.mark.parametrize("ties", ["include", "stable"])
@pytest.mark.parametrize("k", [0, 1, 3])
def test_no_candidate_selects_nothing(ties, k):
    nothing = torch.zeros(1, 3, dtype=torch.bool)
    assert torch.equal(large_loss(torch.tensor([[1.0, 9, 0]]), nothing, k, ties), nothing)


def test_ties_go_in_or_come_in_order():
    logits = torch.tensor([[0.0, 5.0], [5.0, 5.0]])
    everything = torch.ones(2, 2, dtype=torch.bool)
    assert entries_of(large_loss(logits, everything, 2)) == {(0, 1), (1, 0), (1, 1)}
    assert entries_of(large_loss(logits, everything, 2, "stable")) == {(0, 1), (1, 0)}


def test_a_zero_and_a_negative_zero_tie():
    logits = torch.tensor([[0.0, -0.0, -1.0]])
    everything = torch.ones(1, 3, dtype=torch.bool)
    assert entries_of(large_loss(logits, everything, 1)) == {(0, 0), (0, 1)}


# The penalty.


@quick
@given(batches(), st.sampled_from([0.5, 1.5, 2.9, 31.4]))
def test_penalty_equals_the_formula(batch, expected):
    scores = [[sigmoid(x) for x in row] for row in batch[0]]
    num_images, num_classes = len(scores), len(scores[0])
    mean_count = sum(map(sum, scores)) / num_images
    leaf = torch.tensor(scores, dtype=torch.float64, requires_grad=True)
    penalty = expected_positives_penalty(leaf, expected)
    penalty.backward()
    np.testing.assert_allclose(
        penalty.item(), (mean_count - expected) ** 2 / num_classes**2, **EXACT
    )
    slope = 2 * (mean_count - expected) / num_classes**2 / num_images
    np.testing.assert_allclose(leaf.grad.numpy(), np.full(leaf.shape, slope), **EXACT)


@pytest.mark.parametrize("ties", ["include", "stable"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_large_loss_takes_half_precision_and_logits_that_need_a_gradient(ties, dtype):
    logits, candidates = torch.linspace(-2, 2, 12).view(3, 4), torch.ones(3, 4, dtype=torch.bool)
    wanted = large_loss(logits, candidates, 5, ties)
    assert torch.equal(large_loss(logits.to(dtype).requires_grad_(), candidates, 5, ties), wanted)
