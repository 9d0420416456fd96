import numpy as np
import pytest
import torch
from hypothesis import given
from loss_oracles import (
    assert_equal,
    assume_negative,
    batches,
    expected_positive,
    full,
    ignore_unobserved,
    label_smoothing,
    make_batch,
    quick,
    run,
    weighted_assume_negative,
)

from largeloss.errors import ConfigError, LabelError
from largeloss.losses import (
    AssumeNegative,
    ExpectedPositive,
    FullLabel,
    IgnoreUnobserved,
    LabelSmoothingAssumeNegative,
    WeightedAssumeNegative,
)

LOGITS = [[2.0, -1.0, 0.5, -3.0], [-2.0, 1.5, -0.5, 3.0]]
LABELS = [[1, -1, -1, -1], [-1, -1, 0, -1]]

ORACLES = [
    (AssumeNegative, assume_negative, {}),
    (IgnoreUnobserved, ignore_unobserved, {}),
    (IgnoreUnobserved, ignore_unobserved, {"denominator": "observed"}),
    (WeightedAssumeNegative, weighted_assume_negative, {}),
    (LabelSmoothingAssumeNegative, label_smoothing, {}),
    (LabelSmoothingAssumeNegative, label_smoothing, {"smoothing": 0.0}),
    (LabelSmoothingAssumeNegative, label_smoothing, {"smoothing": 0.5}),
    (ExpectedPositive, expected_positive, {"expected_positives": 0.7}),
    (ExpectedPositive, expected_positive, {"expected_positives": 1}),
]


@pytest.mark.parametrize(("method", "oracle", "settings"), ORACLES)
@quick
@given(batch=batches())
def test_equals_the_loop(method, oracle, settings, batch):
    assert_equal(run(method(**settings), *batch), oracle(*batch, **settings))


@pytest.mark.parametrize(("method", "oracle", "settings"), ORACLES)
@pytest.mark.parametrize("shape", [(16, 20), (1, 20), (16, 1), (1, 1)])
@pytest.mark.parametrize("observed", [0.0, 0.1, 1.0])
def test_equals_the_loop_at_any_shape(method, oracle, settings, shape, observed):
    batch = make_batch(7, shape[0], shape[1], observed)
    assert_equal(run(method(**settings), *batch), oracle(*batch, **settings))


@quick
@given(batches(labels=(0, 1)))
def test_full_label_equals_the_loop(batch):
    assert_equal(run(FullLabel(), *batch), full(*batch))


# By hand.


def test_assume_negative_of_the_golden_fixture():
    assert run(AssumeNegative(), LOGITS, LABELS).value == pytest.approx(0.8517324574, abs=5e-11)


@pytest.mark.parametrize(("denominator", "expected"), [("all", 8), ("observed", 2)])
def test_ignore_unobserved_by_hand(denominator, expected):
    total = 0.126928011 + 0.474076984
    got = run(IgnoreUnobserved(denominator), LOGITS, LABELS)
    assert got.value == pytest.approx(total / expected, abs=1e-9)
    assert np.count_nonzero(got.gradient) == 2


@pytest.mark.parametrize("denominator", ["all", "observed"])
def test_nothing_observed_gives_zero(denominator):
    got = run(IgnoreUnobserved(denominator), LOGITS, [[-1] * 4] * 2)
    assert got.value == 0
    assert not got.gradient.any()


def test_assumed_negatives_weigh_as_much_as_one_positive():
    got = run(WeightedAssumeNegative(), [[0.0] * 5], [[1, -1, -1, -1, -1]])
    assert got.value == pytest.approx(2 * np.log(2) / 5)


def test_smoothing_includes_observed_negatives():
    targets = LabelSmoothingAssumeNegative(0.1).decide(
        torch.zeros(1, 3), torch.tensor([[1, 0, -1]]), None
    )
    assert targets.targets.tolist() == pytest.approx(np.array([[0.9, 0.1, 0.1]]))


def test_without_smoothing_it_is_assume_negative():
    loss = LabelSmoothingAssumeNegative(0.0)
    assert_equal(run(loss, LOGITS, LABELS), run(AssumeNegative(), LOGITS, LABELS))


def test_expected_positives_pull_unobserved_entries_up():
    got = run(ExpectedPositive(4.0), LOGITS, [[-1] * 4] * 2)
    assert (got.gradient < 0).all()


# What is refused.


@pytest.mark.parametrize("kappa", [0, -1.5, float("nan"), float("inf")])
def test_expected_positives_must_be_positive(kappa):
    with pytest.raises(ConfigError, match=r"expected_positives.*above 0"):
        ExpectedPositive(kappa)


def test_expected_positives_cannot_exceed_the_classes():
    with pytest.raises(ConfigError, match=r"31\.4, more than the 4 classes"):
        run(ExpectedPositive(31.4), LOGITS, LABELS)


def test_expected_positives_must_be_given():
    with pytest.raises(TypeError, match="expected_positives"):
        ExpectedPositive()  # type: ignore[call-arg]


@pytest.mark.parametrize("smoothing", [-0.1, 0.6, float("nan")])
def test_smoothing_outside_its_range(smoothing):
    with pytest.raises(ConfigError, match=r"smoothing of lsan must be a number from 0 to 0\.5"):
        LabelSmoothingAssumeNegative(smoothing)


def test_unknown_denominator():
    with pytest.raises(ConfigError, match="'all' or 'observed', got 'known'"):
        IgnoreUnobserved("known")  # type: ignore[arg-type]


def test_full_label_refuses_unobserved_entries():
    with pytest.raises(LabelError, match="6 of 8 entries of the batch are unobserved"):
        run(FullLabel(), LOGITS, LABELS)
