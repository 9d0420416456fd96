"""Losses that are no weighted cross-entropy, beside their formulas as loops."""

import math
from typing import Any

import loss_oracles as oracle
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from loss_oracles import assert_equal, batches, quick, run

from largeloss.losses import LOSSES, settings_of

SETTINGS: dict[str, list[dict[str, Any]]] = {
    "em": [{}, {"alpha": 0.0}],
    "asl": [{}, {"gamma_positive": 0, "gamma_negative": 0, "clip": 0}, {"gamma_negative": 0.5}],
    "hill": [{}, {"margin": 0}],
    "splc": [{}, {"gamma": 0, "margin": 0.5}],
}
"""What the extremes below are tried with."""
every_setting = pytest.mark.parametrize(
    ("name", "settings"), [(name, each) for name, all_ in SETTINGS.items() for each in all_]
)
reductions = st.sampled_from(["mean", "sum"])


def made(name, epoch=1, **settings):
    loss = LOSSES[name](**settings)
    loss.set_epoch(epoch)
    return loss


# Beside the loops.


def assert_same(loss, batch, formula: Any, **settings):
    assert_equal(run(loss, *batch), formula(*batch, **settings))


@quick
@given(batches(), st.sampled_from([0, 0.01, 0.2, 1]))
def test_entropy_maximization(batch, alpha):
    assert_same(made("em", alpha=alpha), batch, oracle.entropy_maximization, alpha=alpha)


@quick
@given(batches(), *[st.sampled_from([0, 0.5, 1, 2, 4])] * 2, st.sampled_from([0, 0.05]), reductions)
def test_asymmetric(batch, present, absent, clip, reduction):
    loss = made(
        "asl", gamma_positive=present, gamma_negative=absent, clip=clip, reduction=reduction
    )
    assert_same(
        loss, batch, oracle.asymmetric, present=present, absent=absent, clip=clip,
        reduction=reduction,
    )  # fmt: skip


@quick
@given(batches(), st.sampled_from([0, 0.5, 1]), reductions)
def test_hill(batch, margin, reduction):
    settings = {"margin": margin, "reduction": reduction}
    assert_same(made("hill", **settings), batch, oracle.hill, **settings)


@quick
@given(
    batches(),
    st.integers(0, 2),
    st.integers(0, 2),
    *(st.sampled_from(values) for values in ([0.3, 0.6], [0, 1], [0, 2])),
    reductions,
)
def test_self_paced_correction(batch, epoch, warmup, threshold, margin, gamma, reduction):
    settings = {
        "threshold": threshold, "margin": margin, "gamma": gamma, "reduction": reduction,
    }  # fmt: skip
    loss = made("splc", epoch, warmup_epochs=warmup, **settings)
    corrects = epoch >= warmup
    assert_same(loss, batch, oracle.self_paced_correction, corrects=corrects, **settings)


# What is taken over from simpler losses.


def test_without_focus_and_clip_asymmetric_is_assume_negative():
    logits, labels = oracle.make_batch(3)
    loss = made("asl", gamma_positive=0, gamma_negative=0, clip=0)
    assert_equal(run(loss, logits, labels), oracle.assume_negative(logits, labels))


def test_without_weight_entropy_leaves_unobserved_entries_out():
    logits, labels = oracle.make_batch(4)
    found = run(made("em", alpha=0), logits, labels)
    assert_equal(found, oracle.ignore_unobserved(logits, labels))


def test_only_likely_unobserved_entries_are_corrected_and_not_in_the_warm_up():
    logits = torch.tensor([[2.0, 0.41, 0.4, 3.0]])
    labels = torch.tensor([[-1, -1, -1, 0]])
    loss: Any = made("splc")
    assert loss.flagged(logits, labels, None).tolist() == [[True, True, False, False]]
    loss.set_epoch(0)
    assert not loss.flagged(logits, labels, None).any()


# Extremes.


@every_setting
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_and_slopes_of_huge_logits_are_finite(name, settings, dtype):
    row = [-1000.0, -100, -20, -1, 0, 1, 20, 100, 1000]
    logits = torch.tensor([row] * 3, dtype=dtype, requires_grad=True)
    labels = torch.tensor([[1] * len(row), [-1] * len(row), [0] * len(row)])
    value = made(name, **settings)(logits, labels)
    (slope,) = torch.autograd.grad(value, logits, create_graph=True)
    (bend,) = torch.autograd.grad(slope.square().sum(), logits)
    for found in (value, slope, bend):
        assert found.isfinite().all()


@every_setting
def test_the_slope_is_differentiable(name, settings):
    logits, labels = oracle.make_batch(5, 4, 3)
    leaf = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    given_labels = torch.tensor(labels)
    loss = made(name, **settings)
    assert torch.autograd.gradgradcheck(lambda x: loss(x, given_labels), leaf)


@pytest.mark.parametrize("name", [n for n in LOSSES if "reduction" in settings_of(n)])
def test_a_sum_is_the_mean_of_all_entries_times_their_number(name):
    logits, labels = oracle.make_batch(6)
    mean, total = (run(made(name, reduction=how), logits, labels) for how in ("mean", "sum"))
    assert math.isclose(total.value, 30 * mean.value, rel_tol=1e-12)
    np.testing.assert_allclose(total.gradient, 30 * mean.gradient, rtol=1e-12)
