"""delta_rel="auto": the estimate and the rate by loops, what it refuses, what it keeps."""

import itertools
import math

import pytest
import test_on_a_device as device
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from largeloss.errors import CheckpointError, ConfigError, ScheduleError
from largeloss.losses import (
    LargeLossPermanentCorrection,
    LargeLossRejection,
    LargeLossTemporaryCorrection,
)
from largeloss.losses.auto_delta import EPOCHS, PACE
from pretended import DEVICE, Pretended, Strict

METHODS = [LargeLossRejection, LargeLossTemporaryCorrection, LargeLossPermanentCorrection]
CLASSES, DRAWN = 4, 20


def batches(seed, absent=0.2):
    stream = torch.Generator().manual_seed(seed)
    for number in range(3):
        labels = torch.full((8, CLASSES), -1, dtype=torch.int8)
        labels[torch.rand(labels.shape, generator=stream) < absent] = 0
        labels[torch.rand(labels.shape, generator=stream) < 0.3] = 1
        logits = torch.randn(labels.shape, generator=stream) * 6 + 2 * labels
        yield logits.requires_grad_(), labels, torch.arange(8) + 8 * number


def train(loss, epochs, seed=0, absent=0.2):
    for epoch in epochs:
        loss.set_epoch(epoch)
        for logits, labels, rows in batches(seed, absent):
            loss(logits, labels, rows)
    return loss


def expected_share(parts):
    """Of the unobserved entries: the best-bin bound by loops over bins of a sixteenth."""
    entries = [
        (c, min(512, max(0, math.floor((float(x) + 16) * 16))), int(y))
        for logits, labels, _ in parts
        for row, given_row in zip(logits.detach(), labels, strict=True)
        for c, (x, y) in enumerate(zip(row, given_row, strict=True))
        if y != 0
    ]
    sizes, tagged, raw = [], [], []
    for c in range(CLASSES):
        own = [(place, y) for column, place, y in entries if column == c]
        positives = [place for place, y in own if y == 1]
        noise = math.sqrt(math.log(400) / 2 / len(own))
        noise += math.sqrt(math.log(400) / 2 / len(positives))
        bounds = []
        for z in range(513):
            q = sum(place >= z for place, _ in own) / len(own)
            q_p = sum(place >= z for place in positives) / len(positives)
            if q_p:
                bounds.append(((q + 1.01 * noise) / q_p, q / q_p))
        sizes.append(len(own))
        tagged.append(len(positives))
        raw.append(min(bounds, key=lambda pair: pair[0])[1])
    seen = [k / n for k, n in zip(tagged, sizes, strict=True)]
    ratio = sum(raw) / sum(seen)
    missing = 0.0
    for n, k, prior, share in zip(sizes, tagged, raw, seen, strict=True):
        drawn = (k * prior + DRAWN * ratio * share) / (k + DRAWN)
        missing += n * min(1, max(share, drawn)) - k
    return missing / (sum(sizes) - sum(tagged))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("seed", "num_epochs"), [(0, None), (1, EPOCHS + 3), (2, 100)])
def test_the_estimate_and_the_rate_by_loops(method, seed, num_epochs):
    """In each epoch the model is told apart less well: the first bound is the least."""
    told = {"num_epochs": num_epochs} if method is not LargeLossPermanentCorrection else {}
    loss, bounds = method(delta_rel="auto", **told), []
    given_labels = [labels for _, labels, _ in batches(seed)]
    blank = sum(int((labels == -1).sum()) for labels in given_labels) / (3 * 8 * CLASSES)
    before = 0.0
    for epoch in range(EPOCHS + 3):
        loss.set_epoch(epoch)
        limit = min(bounds, default=0) * blank
        pace = PACE
        if told.get("num_epochs") is not None and limit / ((num_epochs - 1) / 2) < PACE:
            pace = limit / ((num_epochs - 1) / 2)
        share = min(pace * epoch, limit)
        wanted = share
        if method is LargeLossPermanentCorrection:  # its edits add up
            wanted = share - min(pace * max(0, epoch - 1), limit)
        assert loss.selection.rate(epoch) == pytest.approx(wanted)
        logits, labels, rows = next(batches(seed))
        flagged = loss.flagged(logits.detach(), labels, rows)
        assert (labels[flagged] == -1).all()
        if method is not LargeLossPermanentCorrection:
            assert int(flagged.sum()) == math.ceil(round(wanted * labels.numel(), 9))
        for logits, labels, rows in batches(seed + epoch):
            loss(logits, labels, rows)
        if epoch < EPOCHS:
            bounds.append(expected_share(list(batches(seed + epoch))))
            blank = 1 - sum(int((labels != -1).sum()) for _, labels, _ in batches(seed + epoch)) / (
                3 * 8 * CLASSES
            )
        before = share
    assert before > 0
    least = 100 * min(bounds)
    assert loss.finding().figures["missing_percent"] == pytest.approx(least)


@pytest.mark.parametrize(
    ("epochs", "first"), [(1, "epoch"), (3, "3 epochs"), (4, "4 epochs"), (6, "4 epochs")]
)
def test_the_epochs_that_were_estimated_from_are_counted(epochs, first):
    loss = train(LargeLossRejection("auto"), range(epochs))
    loss.set_epoch(epochs)
    assert f"(estimated from the predictions of the first {first})" in loss.finding().text


@given(st.floats(0, 100), st.floats(0, 0.5), st.integers(0, 3))
@settings(max_examples=20)
def test_a_share_that_is_known_is_taken(missing, absent, warmup):
    loss = LargeLossRejection("auto", missing=missing, warmup_epochs=warmup)
    train(loss, range(1), absent=absent)
    loss.set_epoch(1)
    blank = sum(int((labels == -1).sum()) for _, labels, _ in batches(0, absent)) / (24 * CLASSES)
    end = missing / 100 * blank
    first = max(1, warmup)
    assert loss.selection.rate(first - 1) == 0
    assert loss.selection.rate(first) == pytest.approx(min(end, PACE))
    assert loss.selection.rate(first + 100) == pytest.approx(end)


@given(st.floats(0, 100), st.integers(0, 3), st.integers(1, 40))
def test_the_share_is_reached_half_way_or_by_the_pace_that_is_allowed(missing, warmup, num_epochs):
    loss = LargeLossRejection("auto", missing=missing, warmup_epochs=warmup, num_epochs=num_epochs)
    train(loss, range(1))
    loss.set_epoch(1)
    first, end = max(1, warmup), loss.auto.limit
    rates = [loss.selection.rate(epoch) for epoch in range(num_epochs + 1)]
    for epoch in range(first, num_epochs):
        way = (epoch - first + 1) / max(1, (num_epochs - first) / 2)
        assert rates[epoch] == pytest.approx(min(end, end * way, PACE * (epoch - first + 1)))
    assert all(rate == 0 for rate in rates[:first])
    steps = [after - before for before, after in itertools.pairwise(rates)]
    assert all(-1e-12 <= step <= PACE + 1e-12 for step in steps)


def test_a_state_of_a_version_that_did_not_count_the_epochs_goes_on_as_it_was():
    loss = train(LargeLossRejection("auto", missing=10), range(1))
    loss.set_epoch(1)
    state = loss.state_dict()
    (key,) = [key for key in state if key.endswith("_extra_state")]
    del state[key]["auto"]["num_epochs"]
    other = LargeLossRejection("auto", missing=10, num_epochs=1000)
    other.load_state_dict(state)
    assert other.selection.rate(1) == loss.selection.rate(1) == PACE
    again = LargeLossRejection("auto", missing=10, num_epochs=1000)
    again.load_state_dict(other.state_dict())
    assert again.selection.rate(1) == PACE


def test_a_loss_with_other_epochs_than_its_state_keeps_its_own():
    loss = train(LargeLossRejection("auto", missing=10, num_epochs=5), range(1))
    loss.set_epoch(1)
    other = LargeLossRejection("auto", missing=10, num_epochs=1000)
    other.load_state_dict(loss.state_dict())
    assert other.auto.num_epochs == 1000
    assert other.auto.limit == loss.auto.limit
    assert other.selection.rate(1) < loss.selection.rate(1)


def test_permanent_corrections_stay_near_the_share_in_small_batches():
    """Each epoch rounds up to an entry of every batch: it must not do so for many epochs."""
    loss = LargeLossPermanentCorrection("auto", missing=20)
    train(loss, range(60))
    loss.set_epoch(60)
    limit = loss.auto.limit
    epochs, entries = math.ceil(limit / PACE), 3 * 8 * CLASSES
    assert 0 < len(loss.edits.committed) <= limit * entries + 3 * epochs


def test_observed_absences_say_nothing_of_what_is_missing():
    one, other = (LargeLossRejection("auto") for _ in range(2))
    for loss, shift in ((one, 0), (other, 9)):
        loss.set_epoch(0)
        for logits, labels, _ in batches(1):
            loss(logits + shift * (labels == 0), labels)
        loss.set_epoch(1)
    assert one.finding() == other.finding() is not None


def test_a_validation_pass_estimates_nothing():
    loss = LargeLossRejection("auto")
    loss.set_epoch(0)
    logits, labels, _ = next(batches(0))
    loss(logits.detach(), labels)
    loss.eval()(logits, labels)
    loss.set_epoch(1)
    assert loss.finding() is None


def test_training_without_the_epoch_that_is_estimated_from_is_refused():
    with pytest.raises(ScheduleError, match=r"before epoch 4, and saw none before epoch 5"):
        train(LargeLossRejection("auto"), [5])


@pytest.mark.parametrize("method", METHODS)
def test_the_state_goes_on_within_an_epoch_and_after_it(method):
    whole = train(method("auto"), range(4), seed=2)
    cut = method("auto")
    parts = list(batches(2))
    for epoch in range(4):
        cut.set_epoch(epoch)
        for part in parts:
            cut(*part)
            state, again = cut.state_dict(), method("auto")
            again.load_state_dict(state)
            cut = again
    for loss in (whole, cut):
        loss.set_epoch(4)
    assert cut.finding() == whole.finding() is not None
    logits, labels, rows = parts[0]
    masks = [loss.flagged(logits.detach(), labels, rows) for loss in (cut, whole)]
    assert torch.equal(*masks)


@pytest.mark.parametrize(
    ("saved", "into", "message"),
    [
        ({"delta_rel": "auto"}, {"delta_rel": 0.2}, "delta_rel=.auto."),
        ({"delta_rel": 0.2}, {"delta_rel": "auto"}, "delta_rel=.auto."),
        ({"delta_rel": "auto", "missing": 3}, {"delta_rel": "auto", "missing": 4}, "has changed"),
    ],
)
def test_a_state_of_another_delta_is_refused(saved, into, message):
    state = LargeLossRejection(**saved).state_dict()
    with pytest.raises(CheckpointError, match=message):
        LargeLossRejection(**into).load_state_dict(state)


@pytest.mark.parametrize(
    ("given_settings", "message"),
    [
        ({"delta_rel": "aut"}, r"must be 'auto' or a number from 0 to 100 .*got 'aut'"),
        ({"delta_rel": "auto", "missing": 101}, r"missing of ll-r must be a number from 0 to 100"),
        ({"delta_rel": 0.2, "missing": 3.0}, r"missing is of delta_rel='auto'"),
        ({"delta_rel": 0.2, "num_epochs": 3}, r"num_epochs is of delta_rel='auto'"),
        ({"delta_rel": "auto", "num_epochs": 0}, r"must be a whole number from 1 on or null"),
        ({"delta_rel": "auto", "rate_base": "unobserved"}, "leave out rate_base"),
    ],
)
def test_settings_that_cannot_be(given_settings, message):
    with pytest.raises(ConfigError, match=message):
        LargeLossRejection(**given_settings)


@pytest.mark.usefixtures("pretending")
def test_a_device_is_not_waited_for(monkeypatch):
    monkeypatch.setitem(device.ARGUMENTS, "ll-r", {"delta_rel": "auto"})
    loss, head = device.make("ll-r")
    wanted = device.train("ll-r", loss, head)
    there, head_there = device.make("ll-r")
    with Strict(may_wait=True):
        there.to(DEVICE)
        head_there.to(DEVICE)
    found = device.train("ll-r", there, head_there, Pretended, Strict)
    assert there.finding() == loss.finding() is not None
    for one, other in zip(wanted, found, strict=True):
        torch.testing.assert_close(device.held(other), one, rtol=1e-5, atol=1e-7)
