"""Training as a whole: what is saved, what is chosen, and that a resumed run is the same run."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from largeloss.data import Dataset, ImageArray
from largeloss.data.inputs.source import FeatureArray
from largeloss.errors import CheckpointError, ConfigError, NonFiniteError
from largeloss.labels import LabelTable
from largeloss.losses import LOSSES
from largeloss.models import build_classifier
from largeloss.training.checkpoint_file import load_state
from largeloss.training.evaluation import Evaluator, Evaluators
from largeloss.training.fit import Phase, fit
from largeloss.training.frozen import feature_classifier
from largeloss.training.listener import Listener
from largeloss.training.recipe import Recipe
from largeloss.training.run_folder import RunFolder
from largeloss.training.start import start
from largeloss.training.weights import load_weights

ARGUMENTS: dict[str, Any] = {n: {"delta_rel": 5.0} for n in ("ll-r", "ll-ct", "ll-cp")} | {
    "epr": {"expected_positives": 1.5},
    "role": {"expected_positives": 1.5},
    "curriculum": {"limit": 0.55},
    "em-apl": {"warmup_epochs": 1, "num_epochs": 4, "soft_label_weight": 0.5},
    "p-asl": {"selective": True, "top_per_image": 1},
    "crisp": {"warmup_epochs": 1},
}
RECIPE = Recipe(epochs=4, batch_size=8, lr=1e-3, head_lr_factor=1, stop_below=None, workers=0)


def scenes(num=40) -> tuple[Dataset, LabelTable]:
    """Bright squares in corners: four classes, one tag known a training image."""
    stream = np.random.default_rng(0)
    truth = stream.integers(0, 2, (num, 4))
    truth[:, 0] |= truth.sum(axis=1) == 0
    pixels = stream.integers(0, 90, (num, 3, 16, 16)).astype(np.uint8)
    for corner, (top, left) in enumerate([(0, 0), (0, 8), (8, 0), (8, 8)]):
        pixels[truth[:, corner] == 1, :, top : top + 8, left : left + 8] += 120
    table = LabelTable.from_dense(truth)
    splits = {"train": np.arange(20), "val": np.arange(20, 30), "test": np.arange(30, num)}
    data = Dataset("squares", ImageArray(pixels), table, splits)
    return data, table


def train(out: Path, method="ll-r", recipe=RECIPE, resume=False, known=None, listener=None):
    data, truth = scenes()
    known = known or data.observed("single-positive" if method != "full" else "fraction=1")
    evaluators = Evaluators(
        Evaluator.of(truth, data.rows("val")), Evaluator.of(truth, data.rows("test")), True
    )
    torch.manual_seed(recipe.seed)
    model = build_classifier("digits", 4, (3, 16, 16))
    arguments = ARGUMENTS.get(method, {})
    if method == "role":
        arguments = arguments | {"labels": torch.from_numpy(known.labels.to_dense())}
    criterion = LOSSES[method](**arguments)
    run = RunFolder(out)
    with run:
        phase = Phase(
            model, criterion, known, evaluators, recipe, run, {"classes": list(truth.classes)}
        )
        outcome = fit(phase, start(), resume=resume, listener=listener)
    return model, criterion, outcome


def same(one, two) -> bool:
    """Bit for bit, through nested states."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, two)
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(map(same, one, two))
    return one == two


class Stop(Exception):
    """Pulls the plug."""


class PullThePlug(Listener):
    def __init__(self, after: int) -> None:
        self.after = after

    def begin_epoch(self, epoch, epochs, steps):
        self.now = epoch

    def step(self):
        if self.now == self.after + 1:
            raise Stop

    def remark(self, text):
        raise AssertionError(text)


def without_seconds(state):
    history = state["history"] | {
        "epochs": [
            {k: v for k, v in e.items() if k != "seconds"} for e in state["history"]["epochs"]
        ]
    }
    rest = {name: value for name, value in state.items() if name != "wall_seconds"}
    return rest | {"history": history}


@pytest.mark.parametrize("method", LOSSES)
def test_a_resumed_run_is_the_uninterrupted_run_bit_for_bit(tmp_path, method):
    model, criterion, outcome = train(tmp_path / "whole", method)
    with pytest.raises(Stop):
        train(tmp_path / "cut", method, listener=PullThePlug(1))
    again, criterion_again, outcome_again = train(tmp_path / "cut", method, resume=True)
    assert same(model.state_dict(), again.state_dict())
    assert same(criterion.state_dict(), criterion_again.state_dict())
    states = [without_seconds(load_state(tmp_path / n / "last/state.pt")) for n in ("whole", "cut")]
    assert same(*states)
    assert same(*(load_weights(tmp_path / n / "best") for n in ("whole", "cut")))
    assert outcome.best_epoch == outcome_again.best_epoch
    if method == "ll-cp":
        assert len(criterion.edits.committed) > 0
        assert criterion.edits.committed.epochs.max() == 3  # those of the last epoch too
    if method == "curriculum":
        assert len(criterion.edits.committed) > 0


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(tmp_path):
    one, two = (train(tmp_path / name)[0].state_dict() for name in ("one", "two"))
    other = train(tmp_path / "other", recipe=Recipe(**{**RECIPE.__dict__, "seed": 1}))[0]
    assert same(one, two)
    assert not same(one, other.state_dict())


def test_the_best_epoch_has_the_best_val_map_and_its_weights_are_kept(tmp_path):
    _, _, outcome = train(tmp_path / "run")
    values = [record["val_map"] for record in outcome.history]
    assert outcome.best_epoch == int(np.argmax(values))
    noted = json.loads((tmp_path / "run/best/config.json").read_text())
    assert noted["epoch"] == outcome.best_epoch
    with (tmp_path / "run/metrics.csv").open(newline="") as file:
        records = list(csv.DictReader(file))
    assert [float(record["val_map"]) for record in records] == values
    assert [int(record["epoch"]) for record in records] == [0, 1, 2, 3]
    losses = [record["train_loss"] for record in outcome.history]
    assert losses == sorted(losses, reverse=True)


def test_training_stops_when_val_falls(tmp_path, monkeypatch):
    values = iter([50.0, 60.0, 57.5, 56.9, 90.0])

    class Falling(Evaluator):
        def measure(self, logits):
            measured = super().measure(logits)
            object.__setattr__(measured, "value", next(values))
            return measured

    original = Evaluators.__init__

    def falling(self, val, test, track_test=False):
        original(self, Falling(val.rule, val.table), test, False)

    monkeypatch.setattr(Evaluators, "__init__", falling)
    recipe = Recipe(**{**RECIPE.__dict__, "epochs": 5, "stop_below": 3.0})
    _, _, outcome = train(tmp_path / "run", recipe=recipe)
    assert [record["val_map"] for record in outcome.history] == [50.0, 60.0, 57.5, 56.9]
    assert outcome.best_epoch == 1


def test_other_labels_on_resume_are_refused(tmp_path):
    data, _ = scenes()
    train(tmp_path / "run")
    with pytest.raises(CheckpointError, match="not those that"):
        train(tmp_path / "run", resume=True, known=data.observed("single-positive", seed=1))


def test_resuming_without_or_with_a_broken_checkpoint_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="There is no checkpoint"):
        train(tmp_path / "none", resume=True)
    train(tmp_path / "run")
    path = tmp_path / "run/last/state.pt"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="is damaged"):
        train(tmp_path / "run", resume=True)


def test_a_pickle_that_runs_code_is_refused(tmp_path):
    import pickle

    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    (tmp_path / "run/last").mkdir(parents=True)
    (tmp_path / "run/last/state.pt").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(CheckpointError):
        load_state(tmp_path / "run/last/state.pt")
    assert not (tmp_path / "ran").exists()


def test_non_finite_logits_name_step_and_images(tmp_path):
    recipe = Recipe(**{**RECIPE.__dict__, "lr": 1e30})
    with pytest.raises(NonFiniteError, match=r"Step \d+: Logits are NaN(.|\n)*Images: \d+"):
        train(tmp_path / "run", "an", recipe=recipe)


BF16 = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_protocols import Recipe, train
recipe = Recipe(epochs=2, batch_size=8, workers=0, precision="bf16")
model, _, outcome = train(Path(sys.argv[2]), recipe=recipe)
assert {p.dtype.itemsize for p in model.parameters()} == {4}
assert outcome.history[1]["train_loss"] < outcome.history[0]["train_loss"]
"""


def test_bf16_trains(tmp_path):
    # In a process of its own: accelerate keeps one precision a process.
    command = [sys.executable, "-c", BF16, str(Path(__file__).parent), str(tmp_path / "run")]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


class TestRunFolder:
    def test_a_second_run_in_the_same_folder_is_refused(self, tmp_path):
        with RunFolder(tmp_path / "run") as run:
            run.begin({"a": 1})
            before = run.config_file.read_text()
            with pytest.raises(ConfigError, match="already holds a run that is not finished"):
                run.begin({"a": 2})
            assert run.config_file.read_text() == before

    def test_two_at_once_are_refused(self, tmp_path):
        with (
            RunFolder(tmp_path / "run"),
            pytest.raises(ConfigError, match="Another process"),
            RunFolder(tmp_path / "run"),
        ):
            pass
        with RunFolder(tmp_path / "run"):  # the lock is free again
            pass

    def test_a_folder_with_something_else_is_left_alone(self, tmp_path):
        (tmp_path / "thesis.txt").write_text("mine")
        with (
            RunFolder(tmp_path) as run,
            pytest.raises(ConfigError, match=r"not empty \(it holds thesis\.txt\)"),
        ):
            run.begin({})
        shutil.rmtree(tmp_path / "run", ignore_errors=True)


class TestYardstick:
    def table(self, rows):
        return LabelTable.from_dense(np.array(rows))

    @pytest.mark.parametrize(
        ("rows", "rule"),
        [
            ([[1, 0], [0, 1]], "full"),
            ([[1, -1], [0, 1], [-1, 0]], "observed"),
            ([[1, -1], [-1, 1]], "assume-absent"),
            ([[1, -1], [0, 1], [-1, -1]], "observed"),
        ],
    )
    def test_auto_takes_the_strictest_rule_that_the_labels_allow(self, rows, rule):
        assert Evaluator.of(self.table(rows), np.arange(len(rows))).rule == rule

    def test_full_refuses_blanks_and_unknown_rules_are_refused(self):
        table = self.table([[1, -1]])
        with pytest.raises(ConfigError, match="1 of 2 entries are unobserved"):
            Evaluator.of(table, np.array([0]), "full")
        with pytest.raises(ConfigError, match="No such rule"):
            Evaluator.of(table, np.array([0]), "fill")

    def test_what_counts(self):
        table = self.table([[1, -1], [-1, 1], [0, 0]])
        rows, scores = np.arange(3), np.array([[1.0, 9.0], [2.0, 1.0], [0.0, 0.0]])
        assert Evaluator.of(table, rows, "observed").measure(scores).value == 100.0
        assert Evaluator.of(table, rows, "assume-absent").measure(scores).value == 50.0


def test_a_feature_that_hardly_varies_in_training_is_only_centred() -> None:
    features = torch.randn(40, 3, dtype=torch.float64)
    features[:, 1] = 2.0 + 1e-5 * features[:, 1]
    features[:, 2] = 5.0
    labels = LabelTable.from_dense(np.ones((40, 2), dtype=np.int8))
    splits = {"train": np.arange(40, dtype=np.int64)}
    data = Dataset("features", FeatureArray(features.float()), labels, splits)
    linear = feature_classifier(data, num_classes=2)

    assert linear.std[1:].tolist() == [1.0, 1.0]
    assert linear.std[0].item() == pytest.approx(features[:, 0].float().std().item())
