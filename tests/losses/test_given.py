"""Types and shapes of what a loss is given, in ``forward`` and in ``relabel``."""

import math
from typing import Any

import pytest
import torch

from largeloss.errors import ConfigError, InputError, LabelError, NonFiniteError
from largeloss.losses import LOSSES, CurriculumLabeling

BETWEEN_EPOCHS: dict[str, dict[str, Any]] = {
    "curriculum": {},
    "em-apl": {"warmup_epochs": 1, "num_epochs": 2},
    "crisp": {"warmup_epochs": 1},
    "p-asl": {"selective": True, "top_per_image": 1},
}
LOGITS = torch.linspace(-3, 3, 24).view(6, 4)
LABELS = torch.tensor([[1, -1, -1, 0], [-1, -1, 1, -1]] * 3)
ROWS = torch.arange(6)

between_epochs = pytest.mark.parametrize("name", BETWEEN_EPOCHS)


def make(name, **settings):
    method: Any = LOSSES[name]
    return method(**BETWEEN_EPOCHS.get(name, {}), **settings)


def begun(name):
    loss = make(name)
    loss.set_epoch(0)
    return loss


def test_labels_on_another_device_are_refused():
    loss = begun("an")
    with pytest.raises(LabelError, match=r"cpu, got meta. Write labels.to\(logits.device\)"):
        loss(LOGITS, LABELS.to("meta"))


# Between epochs.


@between_epochs
@pytest.mark.parametrize(
    ("logits", "labels", "rows", "message"),
    [
        (LOGITS, LABELS, ROWS, r"needs float logits .*\(P, B, C\).* got \(6, 4\).*logits\[None\]"),
        (LOGITS[None].long(), LABELS, ROWS, "needs float logits .* of type torch.int64"),
        (LOGITS[None][:0], LABELS, ROWS, r"at least one prediction pass, got \(0, 6, 4\)"),
        ((LOGITS,), LABELS, ROWS, r"a tensor of logits \(P, B, C\).*, got tuple"),
        (LOGITS[None], LABELS.float(), ROWS, "needs integer labels .* got torch.float32"),
        (LOGITS[None], LABELS + 1, ROWS, "must be 1, 0 or -1, got values from 0 to 2"),
        (LOGITS[None], LABELS[:, :3], ROWS, r"labels of the logits' shape \(6, 4\), got \(6, 3\)"),
        (LOGITS[None], LABELS, ROWS[:3], r"one row number per image, shape \(6,\), got \(3,\)"),
        (LOGITS[None], LABELS, ROWS.tolist(), "a tensor of row numbers, got list"),
    ],
)
def test_predictions_of_another_form_are_refused_and_not_noted(name, logits, labels, rows, message):
    loss = begun(name)
    with pytest.raises(InputError, match=message):
        loss.relabel(logits, labels, rows)
    loss.set_epoch(1)
    assert loss.lacks_predictions()


@between_epochs
def test_predictions_that_are_not_finite_name_the_rows(name):
    logits = LOGITS.clone()
    logits[4, 2] = math.nan
    loss = begun(name)
    with pytest.raises(NonFiniteError, match="rows 14 ") as error:
        loss.relabel(logits[None], LABELS, ROWS + 10)
    assert error.value.rows == (14,)


@between_epochs
def test_predictions_in_half_precision_or_with_a_gradient_are_taken(name):
    wanted, found = begun(name), begun(name)
    logits = LOGITS.bfloat16()
    wanted.relabel(logits.float()[None], LABELS, ROWS)
    found.relabel(logits.requires_grad_()[None], LABELS.to(torch.int16), ROWS.int())
    for loss in (wanted, found):
        loss.set_epoch(1)
    rows = {"rows": ROWS} if "rows" in wanted.needs else {}
    assert torch.equal(found(LOGITS, LABELS, **rows), wanted(LOGITS, LABELS, **rows))


@between_epochs
def test_rows_are_asked_for_where_they_are_needed(name):
    loss = begun(name)
    if "rows" not in loss.needs:
        loss.relabel(LOGITS[None], LABELS)
        return
    with pytest.raises(ConfigError, match=r"needs rows: call loss\.relabel\(logits, labels, rows"):
        loss.relabel(LOGITS[None], LABELS)
    with pytest.raises(ConfigError, match="0 or more, got -1"):
        loss.relabel(LOGITS[None], LABELS, ROWS - 1)


def test_one_pass_is_refused_where_several_must_differ():
    loss = CurriculumLabeling("uncertainty")
    loss.set_epoch(0)
    with pytest.raises(LabelError, match=r"several prediction passes .* loss\.passes\(epoch\)"):
        loss.relabel(LOGITS[None], LABELS, ROWS)


def test_soft_labels_are_of_one_set_of_classes():
    loss = begun("em-apl")
    loss.relabel(LOGITS[None], LABELS, ROWS)
    loss.set_epoch(1)
    for call in (
        lambda: loss.relabel(LOGITS[None, :, :3], LABELS[:, :3], ROWS),
        lambda: loss(LOGITS[:, :3], LABELS[:, :3], ROWS),
    ):
        with pytest.raises(ConfigError, match="of 4 classes, the logits of 3"):
            call()
    assert loss.soft_labels.shape == (6, 4)


# In a step.


def test_logits_and_labels_that_are_no_tensors_are_named():
    loss = make("an")
    for logits, kind in (((LOGITS,), "tuple"), (LOGITS.numpy(), "ndarray"), (None, "NoneType")):
        with pytest.raises(LabelError, match=rf"logits \(B, C\), got {kind}\. .*outputs\.logits"):
            loss(logits, LABELS)
    for labels, kind in ((LABELS.numpy(), "ndarray"), (LABELS.tolist(), "list")):
        with pytest.raises(LabelError, match=rf"of labels, got {kind}\. .*torch\.as_tensor"):
            loss(LOGITS, labels)


@pytest.mark.parametrize("dtype", [torch.uint16, torch.uint32, torch.uint64])
def test_labels_of_wide_unsigned_types_are_refused(dtype):
    with pytest.raises(LabelError, match=rf"got {dtype}\. Write labels\.to\(torch\.int8\)"):
        make("an")(LOGITS, LABELS.clamp_min(0).to(dtype))


def test_minus_one_in_uint8_is_explained():
    with pytest.raises(LabelError, match=r"from 0 to 255\. 255 is -1 in uint8: use torch.int8"):
        make("an")(LOGITS, LABELS.to(torch.uint8))


@pytest.mark.parametrize("name", ["ll-cp", "role", "curriculum", "em-apl"])
def test_rows_are_whole_numbers_from_zero(name):
    known = {"labels": LABELS, "expected_positives": 1.5} if name == "role" else {}
    loss = make(name, **known)
    loss.set_epoch(0)
    wanted = loss(LOGITS, LABELS, ROWS)
    for dtype in (torch.int8, torch.int16, torch.int32, torch.uint8):
        assert torch.equal(loss(LOGITS, LABELS, ROWS.to(dtype)), wanted)
    for rows, message in (
        (ROWS.tolist(), "a tensor of row numbers, got list"),
        (ROWS.numpy(), "a tensor of row numbers, got ndarray"),
        (ROWS.float(), "whole numbers as rows, got torch.float32"),
        (ROWS > 2, "whole numbers as rows, got torch.bool"),
        (ROWS - 1, "0 or more, got -1"),
    ):
        with pytest.raises(ConfigError, match=message):
            loss(LOGITS, LABELS, rows)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (LABELS.numpy(), "a tensor of labels, got ndarray"),
        (LABELS[0], r"of shape \(N, C\), got \(4,\)"),
        (LABELS.float(), "needs integer labels"),
        (LABELS + 1, "must be 1, 0 or -1, got values from 0 to 2"),
    ],
)
def test_the_labels_of_role_are_checked(labels, message):
    with pytest.raises(LabelError, match=message):
        make("role", labels=labels, expected_positives=1.5)


def imcl_batch(**changed):
    head = torch.nn.Linear(5, 4)
    given = {"rows": ROWS, "features": torch.ones(6, 5), "head": head} | changed
    return LOGITS.clone().requires_grad_(), LABELS, *given.values()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"head": torch.nn.Sequential(torch.nn.Linear(5, 4))}, r"nn\.Linear .* got Sequential"),
        ({"head": torch.nn.Linear(5, 3)}, "of 5 inputs and 4 outputs, .* got 5 and 3"),
        ({"head": torch.nn.Linear(6, 4)}, "of 5 inputs and 4 outputs, .* got 6 and 4"),
        ({"features": torch.ones(6, 2, 5)}, r"features of shape \(6, D\), got \(6, 2, 5\)"),
        ({"features": [[0.0] * 5] * 6}, "a tensor of features, got list"),
    ],
)
def test_imcl_checks_features_and_head_at_the_first_batch(changed, message):
    loss = make("imcl", dictionary_size=2)
    with pytest.raises(ConfigError, match=message):
        loss(*imcl_batch(**changed))


def test_imcl_refuses_the_graph_of_other_classes_at_the_first_batch():
    loss = make("imcl", dictionary_size=2, graph=torch.eye(3) + 1)
    with pytest.raises(ConfigError, match="graph is of 3 classes, the logits of 4"):
        loss(*imcl_batch())


# What is flagged.


@pytest.mark.parametrize("name", ["ll-r", "ll-ct", "ll-cp", "p-asl", "splc", "curriculum"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_flagged_takes_logits_of_any_precision_that_need_a_gradient(name, dtype):
    loss = make(name)
    loss.set_epoch(1)
    wanted = loss.flagged(LOGITS, LABELS, ROWS)
    assert torch.equal(loss.flagged(LOGITS.to(dtype).requires_grad_(), LABELS, ROWS), wanted)
