"""What holds for all losses, by the names of ``LOSSES``."""

import copy
import io
import math
import pickle
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from loss_oracles import complete_labels_allowed

from largeloss.errors import (
    CheckpointError,
    CompleteLabelsWarning,
    ConfigError,
    InputError,
    LabelError,
    NonFiniteError,
    ScheduleError,
)
from largeloss.losses import (
    LOSSES,
    Context,
    InteractiveMultiLabelLearning,
    LargeLossPermanentCorrection,
    LargeLossRejection,
    PartialLabelLoss,
    settings_of,
)
from largeloss.losses.large_loss_selection import LargeLossSelection


class WithFeatures(InteractiveMultiLabelLearning):
    """IMCL over features and a head that it makes up, the same for the same rows."""

    needs = frozenset({"rows"})

    def penalty(self, logits, labels, context):
        drawn = [
            torch.randn(3, generator=torch.Generator().manual_seed(int(row)), dtype=logits.dtype)
            for row in context.rows
        ]
        head = torch.nn.Linear(3, NUM_CLASSES, dtype=logits.dtype)
        with torch.no_grad():
            head.weight.copy_(torch.arange(15).view(5, 3) / 10 - 0.7)
            head.bias.fill_(0.1)
        return super().penalty(logits, labels, Context(context.rows, torch.stack(drawn), head))


ARGUMENTS: dict[str, dict[str, Any]] = {
    "full": {},
    "an": {},
    "iu": {},
    "wan": {},
    "lsan": {},
    "epr": {"expected_positives": 1.5},
    "role": {"labels": torch.arange(-1, 1499).view(300, 5) % 3 - 1, "expected_positives": 1.5},
    "ll-r": {"delta_rel": 10},
    "ll-ct": {"delta_rel": 10},
    "ll-cp": {"delta_rel": 10},
    "curriculum": {},
    "imcl": {"dictionary_size": 4},
    "em": {},
    "em-apl": {"warmup_epochs": 1, "num_epochs": 2},
    "asl": {},
    "p-asl": {"selective": True, "top_per_image": 1, "prior_threshold": 0.2},
    "hill": {},
    "splc": {},
    "gr": {},
    "crisp": {"warmup_epochs": 1},
}
SCHEDULED = ["ll-r", "ll-ct", "ll-cp", "curriculum", "em-apl", "splc", "gr", "crisp"]
LABELLED_COMPLETELY = ["ll-r", "ll-ct", "ll-cp", "curriculum"]  # as full labels would be
LARGE_LOSS = ["ll-r", "ll-ct", "ll-cp"]
WARNS = sorted(set(ARGUMENTS) - {"full", "epr", "role", "curriculum", "imcl", "asl"})
LEARNS_AT_ONCE = {"imcl"}  # its dictionary is refreshed by every batch
NUM_IMAGES, NUM_CLASSES = 6, 5

every_loss = pytest.mark.parametrize("name", ARGUMENTS)
every_other_loss = pytest.mark.parametrize("name", sorted(set(ARGUMENTS) - LEARNS_AT_ONCE))


def make(name, epoch=1):
    torch.manual_seed(0)  # for the table of role
    loss = (WithFeatures if name == "imcl" else LOSSES[name])(**ARGUMENTS[name])
    if epoch is not None:
        begin(loss, name, epoch)
    return loss


def begin(loss, name, epoch):
    """Begins an epoch as training does: where the method needs predictions, they come before."""
    if epoch and (passes := loss.passes(epoch)):
        if loss.epoch is None:
            loss.set_epoch(0)
        logits, labels, rows = batch(name)
        loss.relabel(logits.expand(passes, -1, -1), labels, rows)
    loss.set_epoch(epoch)


def batch(name, seed=0, dtype=torch.float32):
    """Logits, labels that the method accepts, and rows."""
    stream = torch.Generator().manual_seed(seed)
    logits = torch.randn(NUM_IMAGES, NUM_CLASSES, generator=stream, dtype=torch.float64) * 2
    labels = torch.randint(-1, 2, logits.shape, generator=stream, dtype=torch.int8)
    labels[0, 0] = -1
    if name == "full":
        labels = labels.clamp_min(0)
    return logits.to(dtype), labels, torch.arange(NUM_IMAGES) + 10


def learn(loss, logits, labels, rows):
    """The loss of a batch that is trained on: its logits need a gradient."""
    return loss(logits.requires_grad_(), labels, rows)


def equal_states(one, other):
    """Whether two state dicts hold the same, tensors bit for bit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal_states(one[k], other[k]) for k in one)
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    return one == other


def train(loss, name, epochs, start=None):
    """Losses of linear steps over ``epochs``; ``start``: the weights to go on from."""
    weight = torch.zeros(3, NUM_CLASSES) if start is None else start.clone()
    weight.requires_grad_()
    values = []
    for epoch in epochs:
        begin(loss, name, epoch)
        for number in range(3):
            _, labels, rows = batch(name, seed=number)
            stream = torch.Generator().manual_seed(100 * epoch + number)
            inputs = torch.randn(NUM_IMAGES, 3, generator=stream)
            value = loss(inputs @ weight, labels, rows + 100 * number)
            (slope,) = torch.autograd.grad(value, weight)
            with torch.no_grad():
                weight -= 0.5 * slope
            values.append(value.item())
    return values, weight.detach()


def test_every_name_is_tested():
    assert list(LOSSES) == list(ARGUMENTS)
    assert [name for name, method in LOSSES.items() if method.scheduled] == SCHEDULED
    assert [name for name, method in LOSSES.items() if method.needs] == [
        "role", "ll-cp", "curriculum", "imcl", "em-apl",
    ]  # fmt: skip
    assert LargeLossPermanentCorrection.needs == {"rows"}
    assert InteractiveMultiLabelLearning.needs == {"rows", "features", "head"}


# Value and gradient.


@every_loss
@pytest.mark.parametrize("epoch", [0, 1, 5])
def test_gradient_flows(name, epoch):
    logits, labels, rows = batch(name)
    logits.requires_grad_()
    value = make(name, epoch)(logits, labels, rows)
    assert value.shape == ()
    assert value.isfinite()
    value.backward()
    assert logits.grad.isfinite().all()
    assert logits.grad.abs().sum() > 0


@pytest.mark.parametrize(
    "name", sorted(set(ARGUMENTS) - {"role", "imcl", "gr"})
)  # parts are constants
@pytest.mark.parametrize("epoch", [0, 1, 5])
def test_gradient_is_that_of_differences(name, epoch):
    logits, labels, rows = batch(name, dtype=torch.float64)
    loss = make(name, epoch)
    torch.autograd.gradcheck(
        lambda leaf: loss(leaf, labels, rows), logits.requires_grad_(), eps=1e-6, atol=1e-7
    )


@every_loss
@pytest.mark.parametrize("dtype", [torch.int16, torch.int32, torch.int64])
def test_labels_of_any_signed_integer_type(name, dtype):
    logits, labels, rows = batch(name)
    expected = make(name)(logits, labels, rows)
    assert torch.equal(make(name)(logits, labels.to(dtype), rows), expected)


@every_loss
@pytest.mark.parametrize("dtype", [torch.uint8, torch.bool])
def test_complete_labels_of_types_without_a_sign(name, dtype):
    logits, labels, rows = batch(name)
    labels = labels.clamp_min(0)
    with complete_labels_allowed():
        expected = make(name)(logits, labels, rows)
        assert torch.equal(make(name)(logits, labels.to(dtype), rows), expected)


@pytest.mark.parametrize("name", LABELLED_COMPLETELY)
def test_unsigned_labels_have_no_unobserved_entry(name):
    logits, labels, rows = batch(name)
    loss = make(name)
    with complete_labels_allowed():
        value = loss(logits, labels.clamp_min(0).to(torch.uint8), rows)
        expected = make("full")(logits, labels.clamp_min(0))
        torch.testing.assert_close(value, expected, rtol=1e-6, atol=0)


@every_loss
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("epoch", [0, 3])
def test_half_precision_equals_single_precision_of_the_rounded_logits(name, dtype, epoch):
    logits, labels, rows = batch(name, dtype=dtype)
    logits.requires_grad_()
    rounded = logits.detach().float().requires_grad_()
    value, expected = (make(name, epoch)(x, labels, rows) for x in (logits, rounded))
    assert value.dtype == torch.float32
    assert torch.equal(value, expected)
    value.backward()
    expected.backward()
    assert logits.grad.dtype == dtype
    assert torch.equal(logits.grad, rounded.grad.to(dtype))


@every_loss
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_single_and_double_precision_are_kept(name, dtype):
    logits, labels, rows = batch(name, dtype=dtype)
    assert make(name)(logits, labels, rows).dtype == dtype


@every_loss
def test_half_precision_that_would_overflow(name):
    logits, labels, rows = batch(name)
    logits = torch.full_like(logits, 60_000.0).half()
    assert make(name)(logits, labels, rows).isfinite()


@every_loss
def test_logits_whose_sum_overflows_are_finite(name):
    logits, labels, rows = batch(name)
    value = make(name)(torch.full_like(logits, 3e38), labels, rows)
    assert not value.isnan()


@every_loss
def test_inputs_are_left_alone(name):
    logits, labels, rows = batch(name)
    kept = [tensor.clone() for tensor in (logits, labels, rows)]
    loss = make(name)
    for epoch in (1, 2, 3):
        loss.set_epoch(epoch)
        loss(logits, labels, rows)
    assert all(map(torch.equal, (logits, labels, rows), kept))


@every_loss
def test_tensors_need_not_be_contiguous(name):
    logits, labels, rows = batch(name)
    expected = make(name)(logits, labels, rows)
    got = make(name)(logits.T.contiguous().T, labels.T.contiguous().T, rows)
    torch.testing.assert_close(got, expected)


@every_loss
def test_the_order_of_images_does_not_matter(name):
    logits, labels, rows = batch(name, dtype=torch.float64)
    turned = torch.arange(NUM_IMAGES - 1, -1, -1)
    got = make(name, 3)(logits[turned], labels[turned], rows[turned])
    torch.testing.assert_close(got, make(name, 3)(logits, labels, rows), rtol=0, atol=1e-12)


@every_loss
def test_features_are_accepted_by_methods_that_need_none(name):
    logits, labels, rows = batch(name)
    features = torch.randn(NUM_IMAGES, 2)
    expected = make(name)(logits, labels, rows)
    assert torch.equal(make(name)(logits, labels, rows=rows, features=features), expected)


@every_other_loss
def test_a_second_forward_pass_does_no_harm(name):
    once, twice = make(name), make(name)
    expected = learn(once, *batch(name))
    for _ in range(2):
        assert torch.equal(learn(twice, *batch(name)), expected)
    once.set_epoch(2)
    twice.set_epoch(2)
    assert equal_states(once.state_dict(), twice.state_dict())


# Memory.


@every_loss
def test_evaluation_writes_nothing(name):
    loss = make(name)
    learn(loss, *batch(name))
    before = copy.deepcopy(loss.state_dict())
    loss.eval()
    for seed in range(1, 5):
        learn(loss, *batch(name, seed))
    assert equal_states(loss.state_dict(), before)
    loss.train()
    other = make(name)
    learn(other, *batch(name))
    for trained in (loss, other):
        trained.set_epoch(2)
    assert equal_states(loss.state_dict(), other.state_dict())


@every_loss
def test_resumed_equals_uninterrupted(name):
    whole = make(name, None)
    values, weight = train(whole, name, range(5))
    first, second = make(name, None), make(name, None)
    early, between = train(first, name, range(2))
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second.load_state_dict(torch.load(file, weights_only=True))
    late, final = train(second, name, range(2, 5), between)
    assert early + late == values
    assert torch.equal(final, weight)
    whole.set_epoch(5)
    second.set_epoch(5)
    assert equal_states(second.state_dict(), whole.state_dict())


@every_loss
def test_resumed_within_an_epoch(name):
    whole, first, second = (make(name, epoch) for epoch in (1, 1, None))
    for seed in range(2):
        learn(whole, *batch(name, seed))
        learn(first, *batch(name, seed))
    second.load_state_dict(first.state_dict())
    logits, labels, rows = batch(name, 2)
    rows = rows + NUM_IMAGES
    assert torch.equal(learn(whole, logits, labels, rows), learn(second, logits, labels, rows))
    whole.set_epoch(2)
    second.set_epoch(2)
    assert equal_states(second.state_dict(), whole.state_dict())


@every_loss
def test_a_fresh_state_brings_no_epoch(name):
    loss = make(name)
    loss.load_state_dict(make(name, None).state_dict())
    assert loss.epoch is None


def state_without_name(loss):
    """As earlier versions saved it."""
    state = loss.state_dict()
    del state["_extra_state"]["method"]
    return state


@pytest.mark.parametrize("name", ["an", "ll-r", "ll-ct", "ll-cp", "gr", "crisp"])
def test_the_state_of_another_method_is_refused(name):
    other = make("splc", 3)
    with pytest.raises(CheckpointError, match=f"of the method {name}, and not of splc"):
        other.load_state_dict(make(name, 1).state_dict())
    assert other.epoch == 3


@every_loss
def test_a_state_of_an_earlier_version_has_no_name_and_is_taken(name):
    loss = make(name, None)
    loss.load_state_dict(state_without_name(make(name)))
    assert loss.epoch == 1


@pytest.mark.parametrize("name", sorted(set(ARGUMENTS) - {"ll-cp", "curriculum"}))
def test_permanent_correction_refuses_the_state_of_another_method(name):
    with pytest.raises(CheckpointError, match="no label edits"):
        make("ll-cp").load_state_dict(state_without_name(make(name)))


@pytest.mark.parametrize(
    ("name", "missing"),
    [("crisp", "no class priors"), ("p-asl", "no class priors"), ("em-apl", "soft labels")],
)
def test_a_method_that_learns_between_epochs_refuses_the_state_of_another(name, missing):
    with pytest.raises(CheckpointError, match=missing):
        make(name).load_state_dict(state_without_name(make("ll-r")))


@pytest.mark.parametrize("name", ["crisp", "p-asl", "em-apl", "curriculum"])
def test_without_predictions_a_method_that_needs_them_says_so(name):
    loss = make(name, 0)
    learn(loss, *batch(name))
    loss.set_epoch(1)
    with torch.no_grad():
        loss(*batch(name))  # a validation pass
    with pytest.raises(ScheduleError, match=r"none before epoch 1: .* call loss\.relabel"):
        learn(loss, *batch(name))
    begin(loss, name, 1)
    learn(loss, *batch(name))


@every_loss
def test_losses_can_be_copied_and_pickled(name):
    loss = make(name)
    learn(loss, *batch(name))
    for other in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        assert equal_states(other.state_dict(), loss.state_dict())
        assert torch.equal(other(*batch(name, 1)), make(name)(*batch(name, 1)))


# What is only looked at.


@every_loss
@pytest.mark.parametrize("epoch", [0, 1, 3])
def test_finding_03_logits_without_gradient_are_not_remembered(name, epoch):
    loss, other = make(name, epoch), make(name, epoch)
    logits, labels, rows = batch(name)
    for seed in range(2):
        learn(loss, *batch(name, seed))
        learn(other, *batch(name, seed))
    before = copy.deepcopy(loss.state_dict())
    weight = torch.ones((), requires_grad=True)
    with torch.no_grad():
        values = [loss(logits * weight, labels, rows + 50)]
        values.append(learn(loss, logits.clone(), labels, rows + 50))
    values.append(loss(logits, labels, rows + 50))
    with torch.inference_mode():
        values.append(loss(logits * weight, labels, rows + 50).clone())
    assert equal_states(loss.state_dict(), before)
    values.append(learn(other, logits, labels, rows + 50).detach())
    assert all(torch.equal(value, values[0]) for value in values)
    loss.set_epoch(epoch + 1)
    if name == "ll-cp" and epoch:
        assert len(loss.edits.committed) == 2 * 3  # of the two batches that were trained on
        assert set(loss.edits.committed.rows.tolist()) <= set(rows.tolist())


@pytest.mark.parametrize("name", SCHEDULED)
def test_finding_03_a_look_before_the_first_epoch_is_of_epoch_0(name):
    loss = make(name, None)
    logits, labels, rows = batch(name)
    with torch.no_grad():
        found = learn(loss, logits.clone(), labels, rows)
    assert torch.equal(loss(logits, labels, rows), found)
    assert torch.equal(learn(make(name, 0), logits.clone(), labels, rows), found)
    with pytest.raises(NonFiniteError):
        loss(logits / 0, labels, rows)
    assert loss.epoch is None
    with pytest.raises(ScheduleError, match="needs the epoch"):
        loss.current_epoch()
    with pytest.raises(ScheduleError, match="needs the epoch"):
        learn(loss, logits, labels, rows)


@pytest.mark.parametrize("name", WARNS)
def test_finding_03_validation_data_may_be_complete(name):
    logits, labels, rows = batch(name)
    loss = make(name, None)
    loss(logits, labels.clamp_min(0), rows)
    loss.set_epoch(0)
    with pytest.warns(CompleteLabelsWarning, match="unobserved"):
        learn(loss, logits, labels.clamp_min(0), rows)


# Where a loss computes.


@every_loss
@pytest.mark.filterwarnings("ignore:.*complex operators")
def test_finding_13_losses_compute_in_full_precision_under_autocast(name):
    expected, given = make(name), make(name)
    for seed in range(3):
        logits, labels, rows = batch(name, seed)
        wanted = learn(expected, logits, labels, rows)
        with torch.autocast("cpu", torch.bfloat16):
            got = learn(given, logits, labels, rows)
            half = logits.detach().bfloat16()
            assert given(half, labels, rows).dtype == torch.float32
        assert torch.equal(got, wanted)
    assert equal_states(given.state_dict(), expected.state_dict())


@every_loss
def test_finding_13_bookkeeping_lies_on_the_cpu_whatever_the_default_device(name, monkeypatch):
    def trained(default):
        torch.manual_seed(0)
        head = torch.nn.Linear(3, NUM_CLASSES)
        given = [(torch.randn(NUM_IMAGES, 3), *batch(name, seed)) for seed in range(3)]
        arguments = dict(ARGUMENTS[name])
        torch.manual_seed(0)
        torch.set_default_device(default)
        loss, found = LOSSES[name](**arguments), []
        for epoch in range(3):
            loss.set_epoch(epoch)
            for number, (features, logits, labels, rows) in enumerate(given):
                features.requires_grad_()
                value = loss(head(features) + logits, labels, rows + 9 * number, features, head)
                found += [value.detach(), *torch.autograd.grad(value, [*head.parameters()])]
            for _, logits, labels, rows in given if loss.passes(epoch + 1) else ():
                loss.relabel(logits[None], labels, rows)
        copied = LOSSES[name](**arguments)
        copied.load_state_dict(loss.state_dict())
        return loss, found

    try:
        (loss, wanted), (other, found) = trained("cpu"), trained("meta")
    finally:
        torch.set_default_device(None)
    assert all(map(torch.equal, found, wanted))
    assert equal_states(other.state_dict(), loss.state_dict())


# Schedules.


@pytest.mark.parametrize("name", SCHEDULED)
def test_scheduled_losses_ask_for_the_epoch(name):
    with pytest.raises(ScheduleError, match=r"Call loss\.set_epoch\(epoch\) before each epoch; 0"):
        learn(make(name, None), *batch(name))


@pytest.mark.parametrize("name", sorted(set(ARGUMENTS) - {*SCHEDULED, "p-asl"}))  # selective
def test_other_losses_do_not(name):
    unset, epochs = make(name, None), [make(name, epoch) for epoch in (0, 7)]
    expected = unset(*batch(name))
    assert all(torch.equal(loss(*batch(name)), expected) for loss in epochs)


@every_loss
@pytest.mark.parametrize("epoch", [-1, 1.5, 2.0, True, "1", None])
def test_epochs_are_whole_numbers_from_zero(name, epoch):
    loss = make(name)
    before = copy.deepcopy(loss.state_dict())
    with pytest.raises(ConfigError, match="set_epoch needs a whole number from 0 on, got"):
        loss.set_epoch(epoch)
    assert equal_states(loss.state_dict(), before)


def test_epochs_may_be_numbers_of_numpy():
    loss = make("ll-r", None)
    loss.set_epoch(np.int64(3))
    assert loss.epoch == 3
    assert type(loss.epoch) is int


# Within torch.compile.


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # of torch, which hides it elsewhere
@pytest.mark.parametrize("name", ["an", "ll-r", "ll-ct", "ll-cp", "crisp", "curriculum"])
def test_a_compiled_step_has_the_loss_outside_its_graph(name):
    def step(logits, labels, rows):
        return loss(2 * logits, labels, rows) + 1

    torch.compiler.reset()
    loss = make(name)
    logits, labels, rows = batch(name)
    logits.requires_grad_()
    for epoch in (1, 2):
        loss.set_epoch(epoch)
        values = [one(logits, labels, rows) for one in (step, torch.compile(step, backend="eager"))]
        slopes = [torch.autograd.grad(value, logits)[0] for value in values]
        torch.testing.assert_close(values[1], values[0], rtol=0, atol=0)
        torch.testing.assert_close(slopes[1], slopes[0], rtol=0, atol=0)


def test_a_loss_may_be_compiled_itself():
    torch.compiler.reset()
    logits, labels, rows = batch("ll-r")
    loss = make("ll-r")
    compiled: Any = torch.compile(loss, backend="eager")
    assert torch.equal(compiled(logits, labels, rows), loss(logits, labels, rows))


def test_importing_a_loss_does_not_import_what_compiles():
    code = (
        "import sys, torch; from largeloss.losses import AssumeNegative; "
        "AssumeNegative()(torch.zeros(1, 2), -torch.ones(1, 2).int()); "
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# What is refused.


@every_loss
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_logits_that_are_not_finite_name_the_rows(name, value, dtype):
    logits, labels, rows = batch(name, dtype=dtype)
    logits[2, 3] = value
    logits[5, 0] = value
    loss = make(name)
    before = copy.deepcopy(loss.state_dict())
    with pytest.raises(NonFiniteError, match=r"2 of 6 images, rows 12, 15 \(epoch 1\)") as error:
        loss(logits, labels, rows)
    assert error.value.rows == (12, 15)
    assert equal_states(loss.state_dict(), before)


def test_infinities_that_cancel_are_found():
    logits, labels, _ = batch("an")
    logits[1, 0], logits[4, 0] = math.inf, -math.inf
    with pytest.raises(NonFiniteError, match=r"positions in the batch 1, 4 ") as error:
        make("an")(logits, labels)
    assert error.value.rows == ()


def test_many_rows_are_not_all_listed():
    logits = torch.full((20, 2), math.nan)
    with pytest.raises(NonFiniteError, match="0, 1, 2, 3, 4, 5, 6, 7 … ") as error:
        make("an")(logits, -torch.ones(20, 2, dtype=torch.int8), torch.arange(20))
    assert error.value.rows == tuple(range(20))


@every_loss
@pytest.mark.parametrize(
    "dtype", [torch.float16, torch.float32, torch.float64, torch.complex64], ids=str
)
def test_labels_must_be_whole_numbers(name, dtype):
    logits, labels, rows = batch(name)
    with pytest.raises(LabelError, match=r"needs integer labels .* Write labels\.to\(torch\.int8"):
        make(name)(logits, labels.to(dtype), rows)


@every_loss
@pytest.mark.parametrize(("value", "shown"), [(2, "-1 to 2"), (-2, "-2 to 1"), (100, "-1 to 100")])
@pytest.mark.parametrize("dtype", [torch.int8, torch.int64])
def test_labels_of_a_foreign_coding(name, value, shown, dtype):
    logits, labels, rows = batch(name)
    labels[0, :3] = torch.tensor([-1, 1, value], dtype=torch.int8)
    with pytest.raises(LabelError, match=f"1, 0 or -1, got values from {shown}.*convert"):
        make(name)(logits, labels.to(dtype), rows)


@every_loss
def test_unsigned_labels_of_a_foreign_coding(name):
    logits, labels, rows = batch(name)
    labels = labels.clamp_min(0).to(torch.uint8)
    labels[0, 0] = 255
    with (
        complete_labels_allowed(),
        pytest.raises(LabelError, match="1, 0 or -1, got values from 0 to"),
    ):
        make(name)(logits, labels, rows)


@every_loss
def test_labels_of_another_shape(name):
    logits, labels, rows = batch(name)
    for wrong in (labels[:, :-1], labels[:-1], labels[0], labels[None]):
        with pytest.raises(LabelError, match=r"labels of the logits' shape \(6, 5\), got"):
            make(name)(logits, wrong, rows)


@every_loss
def test_logits_must_be_a_table_of_floats(name):
    logits, labels, rows = batch(name)
    for wrong in (logits[0], logits[None], logits.long(), logits > 0):
        with pytest.raises(InputError, match=r"needs float logits of shape \(B, C\), got"):
            make(name)(wrong, labels, rows)


@every_loss
def test_rows_of_another_length(name):
    logits, labels, rows = batch(name)
    for wrong in (rows[:-1], rows[:, None], rows[0]):
        with pytest.raises(ConfigError, match=r"one row number per image, shape \(6,\), got"):
            make(name)(logits, labels, wrong)


def test_missing_rows():
    logits, labels, _ = batch("ll-cp")
    with pytest.raises(ConfigError, match=r"needs rows: call loss\(logits, labels, rows=rows\)"):
        make("ll-cp")(logits, labels)


@pytest.mark.parametrize("name", [name for name in ARGUMENTS if not LOSSES[name].needs])
def test_rows_may_be_left_out_where_no_method_needs_them(name):
    logits, labels, rows = batch(name)
    assert torch.equal(make(name)(logits, labels), make(name)(logits, labels, rows))


def test_a_method_without_a_decision():
    with pytest.raises(TypeError, match=r"PartialLabelLoss must define decide\("):
        PartialLabelLoss()(*batch("an"))


@every_loss
@pytest.mark.parametrize("shape", [(0, 5), (6, 0)])
def test_finding_20_an_empty_batch(name, shape):
    logits, labels = torch.zeros(shape), torch.zeros(shape, dtype=torch.int8)
    for given in (logits, logits.clone().requires_grad_()):
        with pytest.raises(LabelError, match=r"at least one image and one class, got .*\(\d, \d\)"):
            make(name)(given, labels, torch.arange(shape[0]))


@pytest.mark.parametrize("name", LARGE_LOSS)
def test_finding_20_a_setting_of_a_wrong_type_is_named(name):
    method: Any = LOSSES[name]
    for call in (lambda: method(delta_rel="0.2"), lambda: method("0.2")):
        with pytest.raises(
            ConfigError, match=r"delta_rel of ll-.*got '0\.2'\. Write it as a number"
        ):
            call()
    with pytest.raises(ConfigError, match=r"delta_rel of LargeLossSelection must be 'auto' or"):
        # The wrong type is what is tested.
        LargeLossSelection("0.2", "all", "include", 1)  # type: ignore[arg-type]


# How it is shown.


def test_finding_25_settings_are_shown():
    assert repr(LOSSES["an"]()) == "AssumeNegative()"
    assert repr(LargeLossRejection(0.4, ties="stable")) == (
        "LargeLossRejection(delta_rel=0.4, rate_base='all', ties='stable', warmup_epochs=1, "
        "missing=None, num_epochs=None)"
    )
    shown = repr(InteractiveMultiLabelLearning(graph=torch.eye(3)))
    assert "(dictionary_size=4096, graph=tensor of (3, 3), version='paper', lr_factor=1.0)" in shown


@every_loss
def test_finding_25_every_setting_is_shown_also_of_a_copy(name):
    loss = make(name)
    for setting in settings_of(name):
        assert f"{setting}={ARGUMENTS[name].get(setting, '')}" in repr(loss)
    assert repr(copy.deepcopy(loss)) == repr(pickle.loads(pickle.dumps(loss))) == repr(loss)


# The warning about complete labels.


@pytest.mark.parametrize("name", WARNS)
def test_a_first_batch_without_unobserved_entries_warns_once(name):
    logits, labels, rows = batch(name)
    loss = make(name)
    with pytest.warns(
        CompleteLabelsWarning, match=r"convert\(labels, 'positives-only'\)"
    ) as caught:
        learn(loss, logits, labels.clamp_min(0), rows)
    assert len(caught) == 1
    assert LOSSES[name].__name__ in str(caught[0].message)
    learn(loss, logits, labels.clamp_min(0), rows)


@pytest.mark.parametrize("name", WARNS)
def test_the_warning_points_at_the_callers_line(name):
    logits, labels, rows = batch(name)
    logits.requires_grad_()
    with pytest.warns(CompleteLabelsWarning, match="unobserved") as caught:
        make(name)(logits, labels.clamp_min(0), rows)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("name", WARNS)
def test_later_batches_may_be_complete(name):
    logits, labels, rows = batch(name)
    loss = make(name)
    learn(loss, logits, labels, rows)
    learn(loss, logits, labels.clamp_min(0), rows)


@pytest.mark.parametrize("name", ["full", "epr", "asl"])
def test_methods_for_which_complete_labels_are_no_surprise(name):
    logits, labels, rows = batch(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        learn(make(name), logits, labels.clamp_min(0), rows)


@every_loss
def test_a_decision_is_made_on_detached_logits(name, monkeypatch):
    seen = []
    decide = LOSSES[name].decide

    def spy(self, logits, labels, rows):
        seen.append(logits.requires_grad)
        return decide(self, logits, labels, rows)

    monkeypatch.setattr(LOSSES[name], "decide", spy)
    logits, labels, rows = batch(name)
    make(name)(logits.requires_grad_(), labels, rows)
    assert seen == [False]
