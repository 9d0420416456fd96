"""The way that tensors of a GPU take: it computes what the CPU computes, and waits for nothing.

Where there is no GPU a pretended one shows it, see ``pretended.py``.
"""

import copy
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from largeloss.errors import LabelError, NonFiniteError
from largeloss.losses import LOSSES, LargeLossRejection
from largeloss.losses.base import PartialLabelLoss
from largeloss.losses.memory import EditMemory
from pretended import DEVICE, DeviceError, Pretended, Strict, SynchronisationError, held

IMAGES, CLASSES, FEATURES, BATCH = 24, 6, 5, 8
ARGUMENTS: dict[str, dict[str, Any]] = {
    "epr": {"expected_positives": 2.0},
    "role": {
        "labels": torch.full((IMAGES, CLASSES), -1, dtype=torch.int8),
        "expected_positives": 2.0,
    },
    "ll-r": {"delta_rel": 4.0},
    "ll-ct": {"delta_rel": 4.0},
    "ll-cp": {"delta_rel": 4.0},
    "curriculum": {"rule": "threshold", "limit": 0.55},
    "imcl": {"dictionary_size": 12},
    "em-apl": {"warmup_epochs": 1, "num_epochs": 3, "soft_label_weight": 0.5},
    "p-asl": {"selective": True, "top_per_image": 1},
}
WAIT = {"imcl"}
"""Its least squares and its pursuit ask the device how far they are."""
no_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")


def make(name: str) -> tuple[PartialLabelLoss, nn.Linear]:
    torch.manual_seed(0)
    return LOSSES[name](**ARGUMENTS.get(name, {})), nn.Linear(FEATURES, CLASSES)


def train(
    name: str,
    loss: PartialLabelLoss,
    head: nn.Linear,
    place: Callable[[Tensor], Tensor] = lambda tensor: tensor,
    strict: Callable[[bool], AbstractContextManager[object]] = lambda may_wait: nullcontext(),
) -> list[Tensor]:
    """Three epochs; gives losses and gradients of all steps.

    The very first may wait, since whether a warning is due is asked there.
    """
    stream = torch.Generator().manual_seed(1)
    features = torch.randn(IMAGES, FEATURES, generator=stream) * 2
    labels = (torch.randn(IMAGES, CLASSES, generator=stream) > 0.8).to(torch.int8)
    if name != "full":
        labels[labels == 0] = -1
        labels[:, 0] = 0
    batches = [
        (place(features[rows].clone()), place(labels[rows].clone()), rows)
        for rows in torch.arange(IMAGES).split(BATCH)
    ]
    found = []
    for epoch in range(3):
        loss.set_epoch(epoch)
        for inputs, given, rows in batches:
            parameters = [*head.parameters(), *loss.parameters()]
            inputs.requires_grad_()
            with strict(name in WAIT or not found):
                value = loss(head(inputs), given, rows, inputs, head)
                value.backward()
                found.append(value.detach())
                with torch.no_grad():
                    for parameter in parameters:
                        assert parameter.grad is not None
                        found.append(parameter.grad)
                        parameter.sub_(0.5 * parameter.grad)
                        parameter.grad = None
            inputs.grad = None
        with strict(True):
            loss.check()
            for inputs, given, rows in batches if loss.passes(epoch + 1) else ():
                loss.relabel(head(inputs.detach()).detach()[None], given, rows)
    with strict(True):
        loss.set_epoch(3)
    return found


def edits(loss: PartialLabelLoss) -> list[list[float]]:
    committed = getattr(loss, "edits", None)
    return [] if committed is None else [v.tolist() for v in vars(committed.committed).values()]


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.usefixtures("pretending")
def test_the_device_computes_what_the_cpu_computes_and_is_not_waited_for(name: str) -> None:
    loss, head = make(name)
    wanted = train(name, loss, head)
    there, head_there = make(name)
    with Strict(may_wait=True):
        there.to(DEVICE)
        head_there.to(DEVICE)
    found = train(name, there, head_there, Pretended, Strict)
    for one, other in zip(wanted, found, strict=True):
        assert isinstance(other, Pretended)
        torch.testing.assert_close(held(other), one, rtol=1e-5, atol=1e-7)
    here, beyond = edits(loss), edits(there)
    assert [len(field) for field in here] == [len(field) for field in beyond]
    if name in ("ll-cp", "curriculum"):
        assert here[0]
    for field, same in zip(here, beyond, strict=True):
        assert field == pytest.approx(same, rel=1e-5)


@pytest.mark.parametrize("ties", ["include", "stable"])
@pytest.mark.parametrize("rate_base", ["all", "unobserved"])
@pytest.mark.usefixtures("pretending")
def test_ties_and_rates_are_the_same_there(ties: Any, rate_base: Any) -> None:
    logits = torch.tensor([[2.0, 1, 1, 0], [1, 1, -1, 3]])
    labels = torch.full((2, 4), -1, dtype=torch.int8)
    labels[1, 3] = 1
    masks = []
    for place in (lambda tensor: tensor, Pretended):
        loss = LargeLossRejection(delta_rel=40, rate_base=rate_base, ties=ties)
        loss.set_epoch(1)
        with Strict(may_wait=rate_base == "unobserved"):
            masks.append(loss.flagged(place(logits), place(labels), None))
    assert held(masks[1]).tolist() == masks[0].tolist()
    assert masks[0].any()


@pytest.mark.usefixtures("pretending")
def test_what_the_device_finds_is_told_a_step_later_and_before_saving() -> None:
    loss = LOSSES["an"]()
    logits, labels = torch.zeros(2, 3), torch.full((2, 3), -1, dtype=torch.int8)
    bad = logits.clone()
    bad[1, 2] = torch.nan
    with Strict(may_wait=True):
        loss(Pretended(logits), Pretended(labels))
    with Strict():
        loss(Pretended(bad), Pretended(labels), torch.tensor([4, 7]))
    with pytest.raises(NonFiniteError, match=r"rows 7 "), Strict(may_wait=True):
        loss.check()
    with Strict():
        loss(Pretended(bad), Pretended(labels))
    with pytest.raises(NonFiniteError, match="positions in the batch 1 "), Strict(may_wait=True):
        loss(Pretended(logits), Pretended(labels))
    with Strict():
        loss(Pretended(logits), Pretended(labels + 3))
    with pytest.raises(LabelError, match="from 2 to 2"), Strict(may_wait=True):
        loss(Pretended(logits), Pretended(labels))


@pytest.mark.usefixtures("pretending")
def test_what_is_still_coming_is_saved_copied_and_forgotten() -> None:
    memory, rows = EditMemory(), torch.tensor([3, 5])
    chosen, logits = torch.tensor([[True, False], [False, True]]), torch.tensor([[2.0, 0], [0, 4]])
    before = memory.state()
    with Strict():
        memory.propose(rows, Pretended(chosen), Pretended(logits), 1)
        rows += 1  # the caller's own
    again = copy.deepcopy(memory)
    assert again.state()["proposed.rows"].tolist() == [3, 5]
    assert memory.state()["proposed.columns"].tolist() == [0, 1]
    with Strict():
        memory.propose(rows, Pretended(chosen), Pretended(logits), 1)
    memory.restore(before)
    memory.commit()
    assert not len(memory.committed)
    again.commit()
    assert again.committed.losses.tolist() == pytest.approx([2.1269, 4.0181], abs=1e-4)


def test_the_pretended_device_is_as_strict_as_a_real_one() -> None:
    value = torch.arange(6.0).view(2, 3)
    there, mask = Pretended(value), Pretended(value > 2)
    for waiting in (
        lambda: bool(there.sum() > 1),
        lambda: there.sum().item(),
        lambda: mask.nonzero(),
        lambda: there[mask],
        lambda: there[torch.tensor([1])],
        lambda: there.cpu(),
        lambda: value.to(DEVICE),
        lambda: torch.where(mask),
    ):
        with Strict(), pytest.raises(SynchronisationError):
            waiting()
    with Strict(), pytest.raises(DeviceError):
        there + value
    with Strict():
        assert there.device.type == DEVICE.type
        assert value.to(DEVICE, non_blocking=True).device.type == DEVICE.type
        assert torch.zeros(3, device=DEVICE).device.type == DEVICE.type
        scaled = (there * torch.tensor(2.0)).topk(2).values
    assert held(scaled).tolist() == [[4, 2], [10, 8]]
    with Strict(may_wait=True):
        assert mask.nonzero().cpu().tolist() == [[1, 0], [1, 1], [1, 2]]


@pytest.mark.gpu
@no_gpu
@pytest.mark.parametrize("name", LOSSES)
def test_a_gpu_computes_what_the_cpu_computes_and_is_not_waited_for(name: str) -> None:
    loss, head = make(name)
    wanted = train(name, loss, head)
    there, head_there = make(name)
    there.cuda()
    head_there.cuda()
    found = train(name, there, head_there, lambda tensor: tensor.cuda(), _Synchronisation)
    for one, other in zip(wanted, found, strict=True):
        torch.testing.assert_close(other.cpu(), one, rtol=1e-3, atol=1e-5)
    assert [len(field) for field in edits(loss)] == [len(field) for field in edits(there)]


class _Synchronisation:
    """Whether the GPU may be waited for; if not, it is an error."""

    def __init__(self, may_wait: bool) -> None:
        self.mode = "default" if may_wait else "error"

    def __enter__(self) -> None:
        with warnings.catch_warnings():  # that the mode is a prototype
            warnings.simplefilter("ignore", UserWarning)
            torch.cuda.set_sync_debug_mode(self.mode)

    def __exit__(self, *_: object) -> None:
        torch.cuda.set_sync_debug_mode("default")
