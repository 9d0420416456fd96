"""Types and shapes of what a loss is given, in ``forward`` and in ``relabel``."""

import math
from typing import Any

import pytest
import torch

from largeloss.errors import ConfigError, InputError, LabelError, NonFiniteError
from largeloss.losses import (
    LOSSES,
    AsymmetricPseudoLabels,
    CurriculumLabeling,
)

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


def begun(name):
    loss = LOSSES[name](**BETWEEN_EPOCHS[name])
    loss.set_epoch(0)
    return loss


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
    assert isinstance(loss, AsymmetricPseudoLabels)
    assert loss.soft_labels.shape == (6, 4)
