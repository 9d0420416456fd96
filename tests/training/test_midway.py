"""A run that is cut off within an epoch, at any step, goes on as if nothing had happened."""

import os
import resource
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from test_protocols import ARGUMENTS, RECIPE, Stop, same, scenes, without_seconds

from largeloss.errors import CheckpointError, Interrupted
from largeloss.losses import LOSSES
from largeloss.models import build_classifier
from largeloss.training import checkpoint_file as container
from largeloss.training.checkpoint_file import load_state, previous, save_state
from largeloss.training.evaluation import Evaluator, Evaluators
from largeloss.training.fit import Outcome, Phase, fit
from largeloss.training.listener import Listener
from largeloss.training.run_folder import RunFolder
from largeloss.training.signals import StopRequests
from largeloss.training.start import start
from largeloss.training.weights import load_weights

EVERY_STEP = replace(RECIPE, checkpoint_every=1)


class Cut(Listener):
    """Does something after a step of an epoch."""

    def __init__(self, epoch: int, step: int, deed) -> None:
        self.at, self.deed = (epoch, step), deed

    def begin_epoch(self, epoch, epochs, steps):
        self.now, self.number = epoch, 0

    def step(self):
        if (self.now, self.number) == self.at:
            self.deed()
        self.number += 1

    def remark(self, text):
        raise AssertionError(text)


def pull_the_plug() -> None:
    raise Stop


def train(
    out: Path, method: str, recipe=EVERY_STEP, resume=False, listener=None, requests=None, drop=0.0
) -> tuple[torch.nn.Module, torch.nn.Module, Outcome]:
    data, truth = scenes()
    known = data.observed("single-positive" if method != "full" else "fraction=1")
    evaluators = Evaluators(
        Evaluator.of(truth, data.rows("val")), Evaluator.of(truth, data.rows("test")), True
    )
    torch.manual_seed(recipe.seed)
    model = build_classifier("digits", 4, (3, 16, 16), dropout=drop)
    arguments = ARGUMENTS.get(method, {})
    if method == "role":
        arguments = arguments | {"labels": torch.from_numpy(known.labels.to_dense())}
    criterion = LOSSES[method](**arguments)
    run = RunFolder(out)
    with run:
        config = {"classes": list(truth.classes)}
        phase = Phase(model, criterion, known, evaluators, recipe, run, config, recording=True)
        outcome = fit(phase, start(), resume=resume, listener=listener, requests=requests)
    return model, criterion, outcome


def assert_same_runs(one: Path, two: Path) -> None:
    states = [without_seconds(load_state(run / "last/state.pt")) for run in (one, two)]
    assert same(*states)
    assert same(*(load_weights(run / "best") for run in (one, two)))
    recorded = sorted(path.name for path in (one / "recorded").glob("*.npy"))
    assert recorded == sorted(path.name for path in (two / "recorded").glob("*.npy"))
    for name in recorded:
        left, right = (np.load(run / "recorded" / name) for run in (one, two))
        np.testing.assert_array_equal(left, right)


CUTS = [(0, 0), (2, 1), (2, 2)]
REMEMBER = {"ll-r", "ll-cp", "role", "curriculum", "imcl", "em-apl", "p-asl", "crisp"}
"""Methods that keep more than the epoch, and one that does not; of others one cut is enough."""


@pytest.mark.parametrize(
    ("method", "epoch", "step"),
    [(method, *cut) for method in LOSSES for cut in CUTS if method in REMEMBER or cut == (2, 1)],
)
def test_every_method_goes_on_within_an_epoch(tmp_path, method, epoch, step):
    """An epoch has three steps; what comes after the second checkpoint is done again."""
    whole, criterion, _ = train(tmp_path / "whole", method, drop=0.3)
    with pytest.raises(Stop):
        train(tmp_path / "cut", method, listener=Cut(epoch, step, pull_the_plug), drop=0.3)
    assert load_state(tmp_path / "cut/last/state.pt")["progress"]["steps"] == min(step + 1, 2)
    again, criterion_again, _ = train(tmp_path / "cut", method, resume=True, drop=0.3)
    assert same(whole.state_dict(), again.state_dict())
    assert same(criterion.state_dict(), criterion_again.state_dict())
    assert_same_runs(tmp_path / "whole", tmp_path / "cut")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_after_the_step_and_saves_it(tmp_path, number):
    train(tmp_path / "whole", "ll-cp")
    requests = StopRequests()
    recipe = replace(RECIPE, checkpoint_every=None)
    listener = Cut(1, 0, lambda: os.kill(os.getpid(), number))
    before = signal.getsignal(number)
    with requests.listening(), pytest.raises(Interrupted) as caught:
        train(tmp_path / "cut", "ll-cp", recipe, listener=listener, requests=requests)
    assert caught.value.number == number
    assert signal.getsignal(number) is before
    state = load_state(tmp_path / "cut/last/state.pt")
    assert (state["epoch"], state["progress"]["steps"]) == (1, 2)
    train(tmp_path / "cut", "ll-cp", resume=True)
    assert_same_runs(tmp_path / "whole", tmp_path / "cut")


def test_the_second_interruption_ends_at_once():
    requests = StopRequests()
    with requests.listening():
        os.kill(os.getpid(), signal.SIGINT)
        assert requests.number == signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_another_number_of_processes_cannot_go_on_within_an_epoch(tmp_path):
    with pytest.raises(Stop):
        train(tmp_path / "cut", "an", listener=Cut(1, 1, pull_the_plug))
    path = tmp_path / "cut/last/state.pt"
    state = load_state(path)
    state["progress"]["processes"] *= 2
    save_state(path, state)
    with pytest.raises(CheckpointError, match="within an epoch of 2 processes"):
        train(tmp_path / "cut", "an", resume=True)


# The container.

STATE = {"tensor": torch.arange(1000.0), "text": "a", "nested": {"n": [1, 2.5, None]}}


def test_what_is_saved_is_read(tmp_path):
    path = tmp_path / "state.pt"
    save_state(path, STATE)
    assert same(load_state(path), STATE)
    assert not previous(path).exists()
    save_state(path, {"n": 2})
    assert load_state(path) == {"n": 2}
    assert same(load_state(previous(path)), STATE)
    assert sorted(file.name for file in path.parent.iterdir()) == ["previous-state.pt", "state.pt"]


@pytest.mark.parametrize("place", [0, 20, 25, 400, -1])
def test_a_flipped_bit_is_found_and_the_previous_checkpoint_offered(tmp_path, place):
    path = tmp_path / "state.pt"
    save_state(path, STATE)
    save_state(path, STATE)
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    path.write_bytes(content)
    with pytest.raises(CheckpointError) as caught:
        load_state(path)
    command = str(caught.value).splitlines()[1].split()
    assert command == ["cp", str(previous(path)), str(path)]
    assert same(load_state(previous(path)), STATE)


@pytest.mark.parametrize("size", [0, 5, 21, 22, 100, -1])
def test_a_cut_off_file_is_found(tmp_path, size):
    path = tmp_path / "state.pt"
    save_state(path, STATE)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(CheckpointError, match="There is no earlier one"):
        load_state(path)


def test_what_the_disk_said_is_told(tmp_path):
    """Of a full disk, torch says that it has met an unexpected position."""
    state = {"tensor": torch.zeros(200_000)}
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(CheckpointError, match=r"File too large.*make room"):
            save_state(tmp_path / "state.pt", state)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not [*tmp_path.iterdir()]


def test_a_failing_write_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "state.pt"
    save_state(path, STATE)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(container.os, "fsync", full)
    with pytest.raises(CheckpointError, match="No space left"):
        save_state(path, {"n": 2})
    assert same(load_state(path), STATE)
    assert [file.name for file in tmp_path.iterdir()] == ["state.pt"]
