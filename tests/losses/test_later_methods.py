"""Losses that are no weighted cross-entropy, beside their formulas as loops."""

import math
import warnings
from typing import Any

import loss_oracles as oracle
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from loss_oracles import assert_equal, batches, quick, run

from largeloss.labels import LabelTable
from largeloss.losses import LOSSES, build_loss, settings_of

SETTINGS: dict[str, list[dict[str, Any]]] = {
    "em": [{}, {"entropy_weight": 0.0}],
    "asl": [{}, {"gamma_positive": 0, "gamma_negative": 0, "clip": 0}, {"gamma_negative": 0.5}],
    "hill": [{}, {"margin": 0}],
    "splc": [{}, {"gamma": 0, "margin": 0.5}],
    "p-asl": [{}, {"selective": True, "clip": 0.05, "gamma_unobserved": 4}],
    "gr": [{}, {"slope": 10, "offset": -8, "q_absent": 1.5}],
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
    assert_same(made("em", entropy_weight=alpha), batch, oracle.entropy_maximization, alpha=alpha)


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


@quick
@given(batches(), *[st.sampled_from([0, 1, 2])] * 3, st.sampled_from([0, 0.05]), reductions)
def test_partial_asymmetric(batch, present, absent, unobserved, clip, reduction):
    loss = made(
        "p-asl", gamma_positive=present, gamma_negative=absent, gamma_unobserved=unobserved,
        clip=clip, reduction=reduction,
    )  # fmt: skip
    assert_same(
        loss, batch, oracle.asymmetric, present=present, absent=absent, unobserved=unobserved,
        clip=clip, reduction=reduction,
    )  # fmt: skip
    assert loss.flagged(*map(torch.tensor, batch), None) is None


@pytest.mark.filterwarnings("ignore:p-asl leaves out")
@quick
@given(batches(), st.integers(0, 3), st.lists(st.sampled_from([0.0, 0.05, 0.06, 1.0]), min_size=5))
def test_selective(batch, top, priors):
    logits, labels = batch
    loss: Any = made("p-asl", 0, selective=True, top_per_image=top)
    blank = {(b, c) for b, row in enumerate(labels) for c, y in enumerate(row) if y == -1}
    ignored = oracle.large_entries(logits, blank, top * len(labels), "include")
    formula = {"present": 0, "absent": 1, "unobserved": 2, "clip": 0}
    assert_same(loss, batch, oracle.asymmetric, ignored=ignored, **formula)
    loss.priors.values = torch.tensor(priors[: len(labels[0])], dtype=torch.float64)
    loss.set_epoch(1)
    ignored = ignored | {(b, c) for b, c in blank if priors[c] > 0.05}
    assert_same(loss, batch, oracle.asymmetric, ignored=ignored, **formula)
    flagged = loss.flagged(torch.tensor(logits), torch.tensor(labels), None)
    assert set(map(tuple, flagged.nonzero().tolist())) == ignored


@quick
@given(
    batches(),
    st.integers(0, 9),
    *(st.sampled_from(values) for values in ([1, 8], [2, 10], [-2, -8], [0.01, 1], [1, 1.5])),
)
def test_generalized_robust(batch, epoch, num_epochs, slope, offset, present, absent):
    settings = {
        "num_epochs": num_epochs, "slope": slope, "offset": offset, "q_present": present,
        "q_absent": absent,
    }  # fmt: skip
    loss = made("gr", epoch, **settings)
    assert_same(loss, batch, oracle.generalized_robust, epoch=epoch, **settings)


@quick
@given(batches(), st.lists(st.sampled_from([0.0, 0.1, 0.37, 1.0]), min_size=5))
def test_class_prior_risk(batch, priors):
    loss: Any = made("crisp", 0)
    assert_equal(run(loss, *batch), oracle.assume_negative(*batch))
    priors = priors[: len(batch[0][0])]
    loss.priors.values = torch.tensor(priors, dtype=torch.float64)
    loss.set_epoch(1)
    assert_same(loss, batch, oracle.class_prior_risk, priors=priors)


@quick
@given(batches(max_images=7), st.integers(1, 3), st.integers(1, 6), st.sampled_from([0.5, 0.9, 1]))
def test_soft_labels(batch, warmup, num_epochs, share):
    """Each epoch the least likely entries of each class that have none; then they stay."""
    logits, labels = batch
    rows = [3 * b + 1 for b in range(len(labels))]
    loss: Any = made(
        "em-apl",
        0,
        entropy_weight=0.2,
        soft_label_weight=0.6,
        warmup_epochs=warmup,
        num_epochs=num_epochs,
        share=share,
    )
    soft: dict = {}
    for epoch in range(1, 6):
        leaf = (
            torch.tensor(logits, dtype=torch.float64) + epoch * torch.arange(len(labels))[:, None]
        )
        if loss.passes(epoch):
            for place in torch.randperm(len(rows)).tolist():  # in chunks, in any order
                chunk = slice(place, place + 1)
                loss.relabel(
                    leaf[None, chunk], torch.tensor(labels[chunk]), torch.tensor(rows[chunk])
                )
        loss.set_epoch(epoch)
        for c in range(len(labels[0])) if epoch >= warmup else ():
            blank = [b for b in range(len(labels)) if labels[b][c] == -1]
            per_epoch = math.floor(round(share * len(blank) / max(1, num_epochs - warmup), 9))
            least = sorted(blank, key=lambda b: (oracle.sigmoid(leaf[b, c].item()), b))
            free = [b for b in least if (b, c) not in soft]
            soft |= {(b, c): oracle.sigmoid(leaf[b, c].item()) for b in free[:per_epoch]}
        found = run(loss, logits, labels, torch.tensor(rows))
        assert_equal(found, oracle.entropy_maximization(logits, labels, 0.2, soft, 0.6))
    unknown = run(loss, logits, labels, torch.tensor(rows) + 1)  # images it was not shown
    assert_equal(unknown, oracle.entropy_maximization(logits, labels, 0.2))


def test_soft_labels_that_are_never_given_are_remarked():
    table = LabelTable.from_dense([[1, -1], [-1, 1]])
    for num_epochs, expected in ((5, 1), (6, 0)):
        _, remarks = build_loss("em-apl", table, np.arange(2), {"num_epochs": num_epochs})
        assert len(remarks) == expected


def test_a_selection_that_leaves_little_is_remarked():
    table, rows = LabelTable.from_dense([[1, -1], [-1, 1], [-1, -1]]), np.arange(3)
    for settings, expected in (
        ({"selective": True}, 2),
        ({"selective": True, "prior_threshold": 0.4}, 1),
        ({"selective": True, "prior_threshold": 0.4, "top_per_image": 0}, 0),
        ({}, 0),
    ):
        _, remarks = build_loss("p-asl", table, rows, settings)
        assert len(remarks) == expected


def test_a_selection_of_all_unobserved_entries_is_warned_of_once():
    for num_classes, selective, expected in ((6, True, 1), (7, True, 0), (6, False, 0)):
        loss = made("p-asl", 0, selective=selective)
        logits = torch.zeros(2, num_classes, requires_grad=True)
        labels = torch.full((2, num_classes), -1)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for _ in range(2):
                loss(logits, labels)
        assert len(caught) == expected
        for warning in caught:
            assert "top_per_image=5 unobserved entries per image, and there are 6" in str(
                warning.message
            )
            assert warning.filename == __file__


def test_priors_are_those_of_the_predictions():
    """2,000 images, of which 30 % have the class and half of these the tag; another has none."""
    stream = torch.Generator().manual_seed(0)
    truth = torch.rand(2000, generator=stream) < 0.3
    tagged = truth & (torch.rand(2000, generator=stream) < 0.5)
    logits = torch.randn(2000, 2, generator=stream) + 5 * truth[:, None] - 3
    labels = torch.stack([tagged.int() * 2 - 1, torch.full((2000,), -1)], dim=1)
    loss: Any = made("crisp", 0)
    for chunk in torch.arange(2000).split(300):
        loss.relabel(logits[None, chunk], labels[chunk], chunk)
    loss.set_epoch(1)
    found, none = loss.priors.values.tolist()
    assert found == pytest.approx(0.3, abs=0.03)
    assert none == 0


# What is taken over from simpler losses.


def test_without_focus_and_clip_asymmetric_is_assume_negative():
    logits, labels = oracle.make_batch(3)
    loss = made("asl", gamma_positive=0, gamma_negative=0, clip=0)
    assert_equal(run(loss, logits, labels), oracle.assume_negative(logits, labels))


def test_without_weight_entropy_leaves_unobserved_entries_out():
    logits, labels = oracle.make_batch(4)
    found = run(made("em", entropy_weight=0), logits, labels)
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
    value = made(name, int("selective" not in settings), **settings)(logits, labels)
    (slope,) = torch.autograd.grad(value, logits, create_graph=True)
    (bend,) = torch.autograd.grad(slope.square().sum(), logits)
    for found in (value, slope, bend):
        assert found.isfinite().all()


@pytest.mark.filterwarnings("ignore:p-asl leaves out")
@every_setting
def test_the_slope_is_differentiable(name, settings):
    if name == "gr":
        pytest.skip("its soft labels and weights are constants")
    logits, labels = oracle.make_batch(5, 4, 3)
    leaf = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    given_labels = torch.tensor(labels)
    loss = made(name, int("selective" not in settings), **settings)
    assert torch.autograd.gradgradcheck(lambda x: loss(x, given_labels), leaf)


@pytest.mark.parametrize("name", [n for n in LOSSES if "reduction" in settings_of(n)])
def test_a_sum_is_the_mean_of_all_entries_times_their_number(name):
    logits, labels = oracle.make_batch(6)
    mean, total = (run(made(name, reduction=how), logits, labels) for how in ("mean", "sum"))
    assert math.isclose(total.value, 30 * mean.value, rel_tol=1e-12)
    np.testing.assert_allclose(total.gradient, 30 * mean.gradient, rtol=1e-12)
