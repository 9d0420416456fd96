"""Accumulated gradients, the cosine schedule and averaged weights, beside plain loops."""

import math
from dataclasses import replace

import pytest
import torch
from test_midway import Cut, assert_same_runs, pull_the_plug, train
from test_protocols import RECIPE, Stop, same

from largeloss.training.checkpoint_file import load_state
from largeloss.training.updates import Updates, cosine
from largeloss.training.weights import load_weights

EVERY = replace(RECIPE, checkpoint_every=1)


def linear() -> tuple[torch.nn.Linear, list[tuple[torch.Tensor, torch.Tensor]]]:
    stream = torch.Generator().manual_seed(0)
    model = torch.nn.Linear(3, 1)
    with torch.no_grad():
        model.weight.copy_(torch.randn(1, 3, generator=stream))
        model.bias.zero_()
    batches = [
        (torch.randn(4, 3, generator=stream), torch.randn(4, 1, generator=stream)) for _ in range(5)
    ]
    return model, batches


def loss_of(model, batch):
    return (model(batch[0]) - batch[1]).square().mean()


def test_accumulated_gradients_are_the_mean_over_the_batches_and_the_last_update_has_fewer():
    model, batches = linear()
    updates = Updates(torch.optim.SGD(model.parameters(), lr=0.1), batches=5, accumulate=2)
    whole = []
    for batch in batches:
        updates.before()
        updates.learn(loss_of(model, batch))
        whole.append((updates.whole, updates.taken))
    assert whole == [(False, 0), (True, 1), (False, 1), (True, 2), (True, 3)]
    plain, batches = linear()
    for group in (batches[:2], batches[2:4], batches[4:]):
        plain.zero_grad()
        for batch in group:
            (loss_of(plain, batch) / len(group)).backward()
        with torch.no_grad():
            for parameter in plain.parameters():
                assert parameter.grad is not None
                parameter.sub_(0.1 * parameter.grad)
    torch.testing.assert_close(model.weight, plain.weight)
    torch.testing.assert_close(model.bias, plain.bias)


def test_the_cosine_rises_then_falls_to_nothing():
    assert cosine(0.05, 0.1) == pytest.approx(0.5)
    assert cosine(0.1, 0.1) == pytest.approx(1)
    assert cosine(0.55, 0.1) == pytest.approx(0.5)
    assert cosine(1, 0.1) == pytest.approx(0, abs=1e-12)
    assert cosine(0.25, 0) == pytest.approx((1 + math.cos(math.pi / 4)) / 2)


def test_the_learning_rate_of_every_update_follows_the_schedule():
    model, batches = linear()
    groups = [
        {"params": [model.weight], "lr": 0.2},
        {"params": [model.bias], "lr": 0.02},
    ]
    optimizer = torch.optim.SGD(groups)
    updates = Updates(optimizer, epochs=2, batches=5, schedule="cosine", lr_warmup=0.2)
    seen = []
    for epoch in range(2):
        updates.begin(epoch)
        for batch in batches:
            updates.before()
            updates.learn(loss_of(model, batch))
            seen.append([group["lr"] for group in optimizer.param_groups])
    for number, (weight, bias) in enumerate(seen):
        assert weight == pytest.approx(0.2 * cosine((number + 0.5) / 10, 0.2))
        assert bias == pytest.approx(0.02 * cosine((number + 0.5) / 10, 0.2))


@pytest.mark.parametrize("accumulate", [1, 2, 8])
def test_no_update_of_a_cosine_schedule_has_a_learning_rate_of_zero(accumulate):
    model, batches = linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    updates = Updates(optimizer, batches=5, accumulate=accumulate, schedule="cosine")
    rates = set()
    for batch in batches:
        updates.before()
        updates.learn(loss_of(model, batch))
        rates.add(optimizer.param_groups[0]["lr"])
    updated = rates - {1.0}  # that before the first update
    assert len(updated) == -(-5 // accumulate)
    assert min(updated) > 0.02


def test_averaged_weights_are_those_of_a_loop():
    model, batches = linear()
    updates = Updates(torch.optim.SGD(model.parameters(), lr=0.1), batches=5, model=model, ema=0.6)
    expected: torch.Tensor | None = None
    for number, batch in enumerate(batches, start=1):
        updates.before()
        updates.learn(loss_of(model, batch))
        decay = min(0.6, 1 - number ** (-2 / 3))
        now = model.weight.detach().clone()
        expected = now if expected is None else decay * expected + (1 - decay) * now
    assert updates.model is not None
    averaged = updates.model.state_dict()["weight"]
    torch.testing.assert_close(averaged, expected)
    assert not torch.equal(averaged, model.weight)


@pytest.mark.parametrize("cut", [(0, 1), (2, 1), (2, 2)])
@pytest.mark.parametrize(
    "more", [{"ema": 0.5, "schedule": "cosine"}, {"accumulate": 2, "ema": 0.5}], ids=str
)
def test_a_run_that_is_cut_off_goes_on_the_same(tmp_path, more, cut):
    """An epoch has three steps; with two batches per update, nothing is saved after the first."""
    recipe = replace(EVERY, augment="strong", **more)
    whole, _, _ = train(tmp_path / "whole", "ll-r", recipe)
    with pytest.raises(Stop):
        train(tmp_path / "cut", "ll-r", recipe, listener=Cut(cut[0], cut[1], pull_the_plug))
    again, _, _ = train(tmp_path / "cut", "ll-r", recipe, resume=True)
    assert same(whole.state_dict(), again.state_dict())
    assert_same_runs(tmp_path / "whole", tmp_path / "cut")


def test_the_average_is_what_is_kept_and_left(tmp_path):
    recipe = replace(EVERY, ema=0.9, keep_last=True)
    model, _, _ = train(tmp_path / "run", "an", recipe)
    kept = load_weights(tmp_path / "run/best")
    assert same(dict(model.state_dict()), kept)
    state = load_state(tmp_path / "run/last/state.pt")
    assert same(kept, state["updates"]["average"])
    assert not torch.equal(state["model"]["head.weight"], kept["head.weight"])
