"""Faults of the published code, one test each: ours must not have them."""

import io
import math

import pytest
import torch
from loss_oracles import make_batch

from largeloss.errors import NonFiniteError
from largeloss.losses import (
    LOSSES,
    LargeLossPermanentCorrection,
    LargeLossRejection,
    LargeLossTemporaryCorrection,
)
from largeloss.losses.functional import num_large

METHODS = [LargeLossRejection, LargeLossTemporaryCorrection, LargeLossPermanentCorrection]


def batch(seed=0, num_images=16, num_classes=20):
    logits, labels = make_batch(seed, num_images, num_classes, observed=0.1)
    return torch.tensor(logits), torch.tensor(labels, dtype=torch.int8), torch.arange(num_images)


def learn(loss, logits, labels, rows):
    """The loss of a batch that is trained on: its logits need a gradient."""
    return loss(logits.clone().requires_grad_(), labels, rows)


def edits_of(loss):
    committed = loss.edits.committed
    return set(zip(committed.rows.tolist(), committed.columns.tolist(), strict=True))


def corrected(delta_rel=0.2):
    """A permanent correction with committed and proposed edits."""
    loss = LargeLossPermanentCorrection(delta_rel)
    for epoch in range(4):
        loss.set_epoch(epoch)
        learn(loss, *batch(epoch))
    return loss


def test_permanent_correction_silently_runs_temporary_correction():
    permanent, temporary = LargeLossPermanentCorrection(5), LargeLossTemporaryCorrection(5)
    assert LOSSES["ll-cp"] is not LOSSES["ll-ct"]
    logits, labels, rows = batch()
    unlearnt = torch.full_like(logits, -1.0)
    for loss in (permanent, temporary):
        loss.set_epoch(1)
        learn(loss, logits, labels, rows)
        loss.set_epoch(2)
    kept = permanent.decide(unlearnt, labels, rows).targets
    assert edits_of(permanent)
    assert all(bool(kept[row, column]) for row, column in edits_of(permanent))
    # Its rate is constant, where the other's grows.
    permanent.set_epoch(9)
    temporary.set_epoch(9)
    assert permanent(logits, labels, rows) != temporary(logits, labels, rows)


def test_permanent_edits_are_empty_where_one_loss_is_large():
    loss = LargeLossPermanentCorrection(0.1)
    logits, labels, rows = batch()
    assert num_large(labels.numel(), 0.001) == 1
    loss.set_epoch(1)
    learn(loss, logits, labels, rows)
    loss.set_epoch(2)
    largest = logits.masked_fill(labels != -1, -math.inf).argmax()
    assert edits_of(loss) == {divmod(int(largest), 20)}


@pytest.mark.parametrize("method", METHODS)
def test_observed_labels_are_modified_where_few_losses_exceed_zero(method):
    labels = torch.tensor([[1, 0, -1, -1], [0, 1, -1, -1]], dtype=torch.int8)
    # In single precision these assume-negative losses are exactly 0, but for one.
    logits = torch.full((2, 4), -200.0)
    logits[0, 2] = 1.0
    assert torch.nn.functional.softplus(logits[1]).eq(0).all()
    loss = method(50)
    loss.set_epoch(1)
    decision = loss.decide(logits, labels, torch.arange(2))
    known = labels >= 0
    assert torch.equal(decision.targets[known], labels[known] == 1)
    assert decision.weights is None or decision.weights[known].eq(1).all()


@pytest.mark.parametrize("method", METHODS)
def test_observed_labels_are_modified_where_nothing_is_unobserved(method):
    labels = torch.tensor([[1, 0], [0, 1]], dtype=torch.int8)
    loss = method(100)
    loss.set_epoch(1)
    decision = loss.decide(torch.zeros(2, 2), labels, torch.arange(2))
    assert torch.equal(decision.targets, labels == 1)
    assert decision.weights is None or decision.weights.eq(1).all()


def test_edits_live_in_the_data_sets_array():
    loss = corrected()
    logits, labels, rows = batch()
    before = labels.clone()
    target = loss.decide(logits, labels, rows).targets
    assert torch.equal(labels, before)
    # A worker's fresh copy of the labels is trained with the edits all the same.
    assert all(bool(target[row, column]) for row, column in edits_of(loss))


def test_edits_are_lost_at_a_resume():
    loss, resumed = corrected(), LargeLossPermanentCorrection(0.2)
    resumed.load_state_dict(loss.state_dict())
    assert edits_of(resumed) == edits_of(loss)
    assert edits_of(resumed)
    # Those of the epoch under way, too.
    loss.set_epoch(4)
    resumed.set_epoch(4)
    assert edits_of(resumed) == edits_of(loss)
    assert 3 in resumed.edits.committed.epochs


def test_the_checkpoint_is_not_loadable_with_weights_only():
    loss, resumed = corrected(), LargeLossPermanentCorrection(0.2)
    file = io.BytesIO()
    torch.save(loss.state_dict(), file)
    file.seek(0)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    loss.set_epoch(4)
    resumed.set_epoch(4)
    assert edits_of(resumed) == edits_of(loss)
    assert edits_of(resumed)


def test_the_rate_gathers_rounding_errors():
    # 1 - 0.005 - 0.005 - …, as the published code has it, gives 9.
    assert num_large(320, 5 * 0.5 / 100) == 8
    clean = 1.0
    for _ in range(5):
        clean -= 0.5 / 100
    assert math.ceil(320 * (1 - clean)) == 9
    loss = LargeLossRejection(0.5)
    loss.set_epoch(5)
    logits, labels, rows = batch()
    assert int((loss.decide(logits, labels, rows).weights == 0).sum()) == 8


def test_training_goes_on_with_logits_that_are_no_numbers():
    loss = LargeLossPermanentCorrection(0.2)
    loss.set_epoch(1)
    logits, labels, rows = batch()
    logits[3, 4] = math.nan
    with pytest.raises(NonFiniteError):
        loss(logits, labels, rows)
    loss.set_epoch(2)
    assert edits_of(loss) == set()
