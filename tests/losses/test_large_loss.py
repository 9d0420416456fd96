"""LL-R, LL-Ct and LL-Cp: schedule, selection, value and gradient."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from loss_oracles import (
    assert_equal,
    assume_negative,
    batches,
    constant_percent,
    correction,
    growing_percent,
    make_batch,
    quick,
    rejection,
    run,
    select,
)

from largeloss.errors import ConfigError
from largeloss.losses import (
    AssumeNegative,
    LargeLossPermanentCorrection,
    LargeLossRejection,
    LargeLossTemporaryCorrection,
)

LOGITS = [[2.0, -1.0, 0.5, -3.0], [-2.0, 1.5, -0.5, 3.0]]
LABELS = [[1, -1, -1, -1], [-1, -1, 0, -1]]
ONE_OF_EIGHT = 12.5
"""delta_rel that makes k equal the epoch on the golden fixture."""

METHODS = [LargeLossRejection, LargeLossTemporaryCorrection, LargeLossPermanentCorrection]
GROWING = [(LargeLossRejection, rejection), (LargeLossTemporaryCorrection, correction)]
SETTINGS = {
    "delta_rel": st.sampled_from([0, 0.1, 0.2, 12.5, 25, 40, 100]),
    "rate_base": st.sampled_from(["all", "unobserved"]),
    "ties": st.sampled_from(["include", "stable"]),
    "warmup_epochs": st.sampled_from([0, 1, 3]),
}


def rows_of(labels):
    return torch.arange(len(labels))


def chosen_by(settings, logits, labels, percent):
    return select(logits, labels, percent, settings["rate_base"], settings["ties"])


def edits_of(loss):
    committed = loss.edits.committed
    return set(zip(committed.rows.tolist(), committed.columns.tolist(), strict=True))


# The golden fixture.


@pytest.mark.parametrize(
    ("method", "epoch", "expected"),
    [
        (LargeLossRejection, 0, 0.8517324574),
        (LargeLossRejection, 1, 0.4706590384),
        (LargeLossRejection, 2, 0.2579823787),
        (LargeLossRejection, 3, 0.1362227557),
        (LargeLossTemporaryCorrection, 0, 0.8517324574),
        (LargeLossTemporaryCorrection, 1, 0.4767324574),
        (LargeLossTemporaryCorrection, 2, 0.2892324574),
        (LargeLossTemporaryCorrection, 3, 0.2267324574),
        (LargeLossPermanentCorrection, 0, 0.8517324574),
        (LargeLossPermanentCorrection, 1, 0.4767324574),
    ],
)
def test_golden_fixture(method, epoch, expected):
    loss = method(ONE_OF_EIGHT)
    loss.set_epoch(epoch)
    assert run(loss, LOGITS, LABELS, rows_of(LABELS)).value == pytest.approx(expected, abs=5.1e-11)


@pytest.mark.parametrize(
    ("k", "expected"), [(1, 0.4767324574), (2, 0.2892324574), (3, 0.2267324574)]
)
def test_golden_fixture_of_permanent_correction(k, expected):
    loss = LargeLossPermanentCorrection(k * ONE_OF_EIGHT)
    loss.set_epoch(1)
    got = run(loss, LOGITS, LABELS, rows_of(LABELS))
    assert got.value == pytest.approx(expected, abs=5.1e-11)
    loss.set_epoch(2)
    assert edits_of(loss) == set([(1, 3), (1, 1), (0, 2)][:k])


def test_golden_fixture_over_three_epochs_of_permanent_correction():
    loss = LargeLossPermanentCorrection(ONE_OF_EIGHT)
    for epoch, expected in [(0, 0.8517324574), (1, 0.4767324574), (2, 0.2892324574)]:
        loss.set_epoch(epoch)
        got = run(loss, LOGITS, LABELS, rows_of(LABELS))
        assert got.value == pytest.approx(expected, abs=5.1e-11)
    loss.set_epoch(3)
    assert edits_of(loss) == {(1, 3), (1, 1)}


def test_golden_gradients():
    ours, theirs = LargeLossRejection(ONE_OF_EIGHT), LargeLossTemporaryCorrection(ONE_OF_EIGHT)
    ours.set_epoch(1)
    theirs.set_epoch(1)
    rejected, corrected = run(ours, LOGITS, LABELS), run(theirs, LOGITS, LABELS)
    assert rejected.gradient[1, 3] == 0
    # That of -log p: the correction is no detached weight.
    assert corrected.gradient[1, 3] == pytest.approx(-0.0474258731776 / 8, abs=1e-14)
    assert_equal(rejected, rejection(LOGITS, LABELS, {(1, 3)}))
    assert_equal(corrected, correction(LOGITS, LABELS, {(1, 3)}))


# Against the loops.


@pytest.mark.parametrize(("method", "oracle"), GROWING)
@quick
@given(batch=batches(), settings=st.fixed_dictionaries(SETTINGS), epoch=st.integers(0, 6))
def test_growing_rate_equals_the_loop(method, oracle, batch: tuple[list, list], settings, epoch):
    loss = method(**settings)
    loss.set_epoch(epoch)
    percent = growing_percent(epoch, settings["delta_rel"], settings["warmup_epochs"])
    chosen = chosen_by(settings, *batch, min(percent, 100))
    assert_equal(run(loss, *batch), oracle(*batch, chosen))


@pytest.mark.parametrize(("method", "oracle"), GROWING)
@pytest.mark.parametrize("rate_base", ["all", "unobserved"])
@pytest.mark.parametrize("ties", ["include", "stable"])
@pytest.mark.parametrize("levels", [None, 5])
def test_growing_rate_equals_the_loop_with_a_short_last_batch(
    method, oracle, rate_base, ties, levels
):
    settings = {"delta_rel": 0.5, "rate_base": rate_base, "ties": ties}
    loss = method(**settings)
    for epoch in range(10):
        loss.set_epoch(epoch)
        for number, num_images in enumerate((16, 16, 3, 1)):
            batch = make_batch([epoch, number], num_images, 20, observed=0.1, levels=levels)
            chosen = chosen_by(settings, *batch, growing_percent(epoch, 0.5))
            assert_equal(run(loss, *batch), oracle(*batch, chosen))


@quick
@given(
    labels=batches(max_images=6).map(lambda batch: batch[1]),
    settings=st.fixed_dictionaries(SETTINGS),
    seed=st.integers(0, 1000),
    num_epochs=st.integers(1, 4),
    batch_size=st.integers(1, 4),
    levels=st.sampled_from([None, 3]),
)
def test_permanent_correction_equals_the_loop(
    labels, settings, seed, num_epochs, batch_size, levels
):
    """The oracle writes into its labels after each step; an image comes once per epoch."""
    observed_by_us, store = labels, [list(row) for row in labels]
    loss = LargeLossPermanentCorrection(**settings)
    num_images, num_classes = len(labels), len(labels[0])
    written = set()
    for epoch in range(num_epochs):
        loss.set_epoch(epoch)
        assert edits_of(loss) == written
        percent = constant_percent(epoch, settings["delta_rel"], settings["warmup_epochs"])
        for start in range(0, num_images, batch_size):
            rows = list(range(start, min(start + batch_size, num_images)))
            logits, _ = make_batch([seed, epoch, start], len(rows), num_classes, levels=levels)
            ours = [observed_by_us[row] for row in rows]
            current = [list(store[row]) for row in rows]
            chosen = chosen_by(settings, logits, current, percent)
            got = run(loss, logits, ours, torch.tensor(rows))
            assert_equal(got, correction(logits, current, chosen))
            for b, c in chosen:
                assert store[rows[b]][c] == -1
                store[rows[b]][c] = 1
                written.add((rows[b], c))
    loss.set_epoch(num_epochs)
    assert edits_of(loss) == written


# The schedule.


@pytest.mark.parametrize("method", METHODS)
@quick
@given(batch=batches(), epoch=st.integers(0, 50))
def test_delta_zero_is_exactly_assume_negative(method, batch: tuple[list, list], epoch):
    loss = method(0)
    loss.set_epoch(epoch)
    got, expected = run(loss, *batch, rows_of(batch[1])), run(AssumeNegative(), *batch)
    assert got.value == expected.value
    assert (got.gradient == expected.gradient).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("warmup_epochs", [1, 3])
@quick
@given(batch=batches())
def test_warm_up_is_exactly_assume_negative(method, warmup_epochs, batch: tuple[list, list]):
    expected = run(AssumeNegative(), *batch)
    assert_equal(expected, assume_negative(*batch))
    loss = method(50, warmup_epochs=warmup_epochs)
    for epoch in range(warmup_epochs):
        loss.set_epoch(epoch)
        got = run(loss, *batch, rows_of(batch[1]))
        assert got.value == expected.value
        assert (got.gradient == expected.gradient).all()


@pytest.mark.parametrize("method", METHODS)
def test_one_warm_up_epoch_by_default(method):
    assert method(0.2).selection.warmup_epochs == 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("warmup_epochs", [0, 1, 3])
def test_the_first_epoch_after_the_warm_up_has_one_delta(method, warmup_epochs):
    loss = method(ONE_OF_EIGHT, warmup_epochs=warmup_epochs)
    loss.set_epoch(warmup_epochs)
    decision = loss.decide(torch.tensor(LOGITS), torch.tensor(LABELS), rows_of(LABELS))
    counted = True if decision.weights is None else decision.weights
    believed_absent = ~decision.targets & counted
    assert int(believed_absent.sum()) == 8 - 1 - 1


@pytest.mark.parametrize("method", METHODS)
def test_any_epoch_may_come_first(method):
    straight, walked = method(ONE_OF_EIGHT), method(ONE_OF_EIGHT)
    straight.set_epoch(3)
    for epoch in range(4):
        walked.set_epoch(epoch)
    rows = rows_of(LABELS)
    assert_equal(run(straight, LOGITS, LABELS, rows), run(walked, LOGITS, LABELS, rows))


@pytest.mark.parametrize("epoch", [8, 9, 100])
def test_a_rate_above_one_takes_every_unobserved_entry(epoch):
    loss = LargeLossRejection(ONE_OF_EIGHT)
    loss.set_epoch(epoch)
    everything = {(b, c) for b in range(2) for c in range(4) if LABELS[b][c] == -1}
    assert_equal(run(loss, LOGITS, LABELS), rejection(LOGITS, LABELS, everything))


def test_permanent_correction_has_a_constant_rate():
    loss = LargeLossPermanentCorrection(ONE_OF_EIGHT)
    for epoch in (1, 5, 9):
        loss.set_epoch(epoch)
        loss.eval()
        decision = loss.decide(torch.tensor(LOGITS), torch.tensor(LABELS), rows_of(LABELS))
        assert int(decision.targets.sum()) == 2


def test_the_mean_is_over_all_entries_also_where_some_are_rejected():
    loss = LargeLossRejection(50)
    loss.set_epoch(1)
    assert run(loss, [[0.0, 3.0]], [[-1, -1]]).value == pytest.approx(math.log(2) / 2)


# Observed entries.


@pytest.mark.parametrize("method", METHODS)
@quick
@given(batch=batches(), settings=st.fixed_dictionaries(SETTINGS), epoch=st.integers(0, 6))
def test_observed_entries_are_trained_as_observed(method, batch, settings, epoch):
    logits, labels = batch
    loss = method(**settings)
    loss.set_epoch(epoch)
    got, plain = run(loss, logits, labels, rows_of(labels)), assume_negative(logits, labels)
    for b, row in enumerate(labels):
        for c, label in enumerate(row):
            if label != -1:
                assert got.gradient[b, c] == pytest.approx(plain.gradient[b, c], abs=1e-15)


# Edits of permanent correction.


def test_an_edited_entry_is_a_positive_and_no_candidate():
    loss = LargeLossPermanentCorrection(ONE_OF_EIGHT)
    rows = rows_of(LABELS)
    loss.set_epoch(1)
    run(loss, LOGITS, LABELS, rows)
    loss.set_epoch(2)
    # (1, 3) keeps the largest logit: were it a candidate it would be selected again.
    run(loss, LOGITS, LABELS, rows)
    loss.set_epoch(3)
    assert edits_of(loss) == {(1, 3), (1, 1)}
    assert sorted(loss.edits.committed.epochs.tolist()) == [1, 2]
    # A model that has unlearnt it does not take it back.
    changed = [list(LOGITS[0]), [*LOGITS[1][:3], -9.0]]
    loss.eval()
    target = loss.decide(torch.tensor(changed), torch.tensor(LABELS), rows).targets
    assert bool(target[1, 3])


def test_edits_keep_epoch_and_loss():
    loss = LargeLossPermanentCorrection(ONE_OF_EIGHT)
    loss.set_epoch(4)
    run(loss, LOGITS, LABELS, torch.tensor([70, 12]))
    loss.set_epoch(5)
    committed = loss.edits.committed
    assert (committed.rows.item(), committed.columns.item(), committed.epochs.item()) == (12, 3, 4)
    assert committed.losses.item() == pytest.approx(3.048587)


def test_edits_wait_for_the_next_epoch():
    loss = LargeLossPermanentCorrection(ONE_OF_EIGHT)
    rows = rows_of(LABELS)
    loss.set_epoch(1)
    first = run(loss, LOGITS, LABELS, rows)
    assert edits_of(loss) == set()
    loss.set_epoch(1)
    assert edits_of(loss) == set()
    assert_equal(run(loss, LOGITS, LABELS, rows), first)
    loss.set_epoch(2)
    assert edits_of(loss) == {(1, 3)}


def test_the_same_epoch_again_commits_nothing():
    loss = LargeLossPermanentCorrection(ONE_OF_EIGHT)
    loss.set_epoch(1)
    run(loss, LOGITS, LABELS, rows_of(LABELS))
    for _ in range(3):
        loss.set_epoch(1)
    assert edits_of(loss) == set()


def test_edits_of_the_last_epoch_are_committed_by_the_number_of_epochs():
    loss = LargeLossPermanentCorrection(ONE_OF_EIGHT)
    for epoch in range(2):
        loss.set_epoch(epoch)
        run(loss, LOGITS, LABELS, rows_of(LABELS))
    loss.set_epoch(2)
    assert edits_of(loss) == {(1, 3)}


def test_a_second_forward_pass_does_no_harm():
    once, twice = LargeLossPermanentCorrection(25), LargeLossPermanentCorrection(25)
    for epoch in range(4):
        for loss, passes in ((once, 1), (twice, 2)):
            loss.set_epoch(epoch)
            logits, labels = make_batch(epoch)
            values = {run(loss, logits, labels, rows_of(labels)).value for _ in range(passes)}
            assert len(values) == 1
        assert edits_of(once) == edits_of(twice)
    once.set_epoch(4)
    twice.set_epoch(4)
    for field in ("rows", "columns", "epochs", "losses"):
        assert torch.equal(
            getattr(once.edits.committed, field), getattr(twice.edits.committed, field)
        )
    assert edits_of(once)


def test_a_refused_epoch_commits_nothing():
    loss = LargeLossPermanentCorrection(ONE_OF_EIGHT)
    loss.set_epoch(1)
    run(loss, LOGITS, LABELS, rows_of(LABELS))
    for wrong in (-1, 1.5, None):
        with pytest.raises(ConfigError):
            loss.set_epoch(wrong)  # type: ignore[arg-type]
    assert loss.epoch == 1
    assert edits_of(loss) == set()


# What is refused.


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("delta_rel", [-0.1, 100.1, float("nan"), True])
def test_delta_outside_its_range(method, delta_rel):
    with pytest.raises(ConfigError, match=r"delta_rel .* from 0 to 100 \(percent of the batch"):
        method(delta_rel)


@pytest.mark.parametrize("method", METHODS)
def test_unknown_rate_base(method):
    with pytest.raises(
        ConfigError, match=r"rate_base of ll-.* must be 'all' or 'unobserved', got 'bat"
    ):
        method(0.2, rate_base="batch")


@pytest.mark.parametrize("method", METHODS)
def test_unknown_ties(method):
    with pytest.raises(
        ConfigError, match=r"ties of ll-.* must be 'include' or 'stable', got 'rand"
    ):
        method(0.2, ties="random")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("warmup_epochs", [-1, 0.5])
def test_warm_up_must_be_a_whole_number(method, warmup_epochs):
    with pytest.raises(ConfigError, match=r"warmup_epochs of ll-.* must be a whole number from 0"):
        method(0.2, warmup_epochs=warmup_epochs)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_what_is_flagged_may_be_asked_in_half_precision(method, dtype):
    loss, logits, labels = method(delta_rel=25), torch.tensor(LOGITS), torch.tensor(LABELS)
    loss.set_epoch(1)
    rows = rows_of(labels)
    assert torch.equal(
        loss.flagged(logits.to(dtype), labels, rows), loss.flagged(logits, labels, rows)
    )
