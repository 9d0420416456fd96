"""A run that goes on with other inputs, other labels, or other best weights than its own."""

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from largeloss.config import make_config
from largeloss.data import Dataset, FeatureArray
from largeloss.errors import CheckpointError, RunError
from largeloss.files import checksummed_yaml
from largeloss.labels import LabelTable
from largeloss.losses import AssumeNegative
from largeloss.models import build_classifier
from largeloss.runs.moved import resumed_settings
from largeloss.runs.settings import resolved
from largeloss.training.checkpoint_file import load_state, previous, save_state
from largeloss.training.evaluation import Evaluator, Evaluators
from largeloss.training.fit import Phase, fit
from largeloss.training.listener import Listener
from largeloss.training.recipe import Recipe
from largeloss.training.run_folder import RunFolder
from largeloss.training.start import start
from largeloss.training.weights import load_weights
from processes import SMALL

INIT = ("--protocol", "linear-init", "--set", "training.head_epochs=1", "--record", "losses")
SPLITS = {"train": np.arange(24), "val": np.arange(24, 36), "test": np.arange(36, 48)}


def numbers(seed: int = 0) -> Dataset:
    """48 rows of features with complete labels of three classes."""
    stream = np.random.default_rng(seed)
    truth = stream.integers(0, 2, (48, 3)).astype(np.int8)
    values = truth @ stream.normal(size=(3, 6)) + stream.normal(size=(48, 6))
    source = FeatureArray(torch.from_numpy(values).float())
    return Dataset("numbers", source, LabelTable.from_dense(truth), SPLITS)


class Stop(Exception):
    pass


class Until(Listener):
    """Stops the run when an epoch begins; notes which have begun."""

    def __init__(self, epoch: int | None = None) -> None:
        self.epoch, self.begun = epoch, list[int]()

    def begin_epoch(self, epoch, epochs, steps):
        if epoch == self.epoch:
            raise Stop
        self.begun.append(epoch)


def train(out: Path, data: Dataset, truth: Dataset | None = None, seed=0, until=None, resume=False):
    """Six epochs, or until one of them begins."""
    table = (truth or data).labels
    val, test = (Evaluator.of(table, SPLITS[name]) for name in ("val", "test"))
    torch.manual_seed(seed)
    model = build_classifier("none", 3, (6,), mean=[0.0] * 6, std=[1.0] * 6)
    recipe = Recipe(epochs=6, batch_size=8, lr=0.01, stop_below=None, seed=seed)
    config = {"classes": list(table.classes)}
    run, listener = RunFolder(out), Until(until)
    shown = data.observed("single-positive")
    phase = Phase(model, AssumeNegative(), shown, Evaluators(val, test), recipe, run, config)
    with suppress(Stop):
        fit(phase, start(), resume=resume, listener=listener)
    return listener.begun


def files(run: Path) -> dict[str, bytes]:
    return {p.relative_to(run).as_posix(): p.read_bytes() for p in run.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda data: replace(data, source=FeatureArray(data.source.values * 1.5)), "inputs"),
        (lambda data: replace(data, labels=data.labels.replace([40], [0], [-1])), "labels of test"),
        (lambda data: replace(data, labels=data.labels.replace([30], [1], [-1])), "labels of val"),
    ],
    ids=["features", "labels of test", "labels of val"],
)
def test_finding_04_other_inputs_or_labels_are_refused(tmp_path, change, named):
    data = numbers()
    train(tmp_path / "run", data, until=3)
    before = files(tmp_path / "run")
    changed = change(data)
    shown = replace(changed, labels=data.labels)  # those trained on are the same
    with pytest.raises(CheckpointError, match=f"The {named} .*fingerprint"):
        train(tmp_path / "run", shown, changed, resume=True)
    assert files(tmp_path / "run") == before
    assert train(tmp_path / "run", data, resume=True) == [3, 4, 5]


@pytest.fixture
def cut(largeloss, image_folder, tmp_path):
    """Trains to the end, then takes the result away, as if the run had been killed there."""

    def make(*more: object) -> Path:
        run = tmp_path / "run"
        code, _, err = largeloss(
            "train", image_folder, *SMALL, "--epochs", "2", "--lr", "1e-4", *more, "--out", run
        )
        assert code == 0, err
        (run / "result.json").unlink()
        return run

    return make


@pytest.mark.parametrize(
    ("begun", "resumed"),
    [((), ()), ((), ("--cache", "kept")), (("--cache", "kept"), ("--cache", "kept")),
     (("--protocol", "linear"), ()), (INIT, ())],
    ids=["plain", "then cached", "cached", "linear", "linear-init"],
)  # fmt: skip
def test_finding_04_replaced_pictures_are_refused(
    largeloss, image_folder, cut, tmp_path, monkeypatch, begun, resumed
):
    monkeypatch.chdir(tmp_path)
    run = cut(*begun)
    for path in sorted((image_folder / "images").iterdir()):
        times, size = path.stat(), path.stat().st_size
        pixels = 255 - np.asarray(Image.open(path))
        Image.fromarray(pixels).save(path)
        with path.open("ab") as file:  # of the same size and time
            file.write(bytes(max(0, size - path.stat().st_size)))
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    code, _, err = largeloss("train", "--resume", *resumed, "--out", run)
    assert code == 1, err
    assert "The inputs are not those" in err
    assert not (run / "result.json").exists()


def test_finding_04_a_cache_of_the_same_pictures_changes_nothing(
    largeloss, cut, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    run = cut()
    code, _, err = largeloss("train", "--resume", "--cache", "kept", "--out", run)
    assert code == 0, err
    assert [path for path in Path("kept").rglob("*") if path.is_file()]


def test_what_changes_no_figure_may_be_another(largeloss, image_folder, tmp_path):
    """A run whose workers take too much memory, or whose cache's disk is full, goes on."""
    saved = resolved(make_config([{"data": {"path": str(image_folder)}}]))
    (tmp_path / "run").mkdir()
    (tmp_path / "run/config.yaml").write_text(checksummed_yaml(saved.plain()))
    asked = {
        "data": {"path": str(image_folder), "cache": str(tmp_path / "kept")},
        "training": {"workers": 0, "checkpoint_every": 7, "track": ["tensorboard"]},
    }
    went_on = resumed_settings(tmp_path / "run", make_config([asked]))
    assert went_on.data.cache == tmp_path / "kept"
    training = went_on.training
    assert (training.workers, training.checkpoint_every) == (0, 7)
    assert training.track == ["tensorboard"]
    code, _, err = largeloss("train", "--resume", "--workers", "9999", "--out", tmp_path / "run")
    assert code == 2
    assert "workers is 9,999" in err
    code, _, err = largeloss("train", "--resume", "--batch-size", "9", "--out", tmp_path / "run")
    assert code == 2
    assert "training.batch_size: 16 → 9" in err


BY_RANK = """
import os, sys
from largeloss.cli import run
folder = sys.argv[1 + int(os.environ["RANK"])]
sys.exit(run(["train", folder, *sys.argv[3:]]))
"""


@pytest.mark.parametrize("what", ["inputs", "labels or splits"])
def test_finding_04_processes_with_other_data_are_refused(image_folder, tmp_path, what):
    other = tmp_path / "other"
    shutil.copytree(image_folder, other)
    if what == "inputs":
        shutil.copy(other / "images/00.png", other / "images/05.png")
    else:
        text = (other / "labels.csv").read_text()
        line = text.splitlines()[1]
        flipped = line[:-1] + ("1" if line.endswith("0") else "0")
        (other / "labels.csv").write_text(text.replace(line, flipped))
    script = tmp_path / "by_rank.py"
    script.write_text(BY_RANK)
    run = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(script)]
    settings = [text for text in SMALL if text not in ("--observe", "single-positive")]
    done = subprocess.run(
        [sys.executable, *run, str(image_folder), str(other), *settings, "--epochs", "1",
         "--out", str(tmp_path / "run")],
        capture_output=True, text=True, timeout=200, check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode != 0
    assert "do not read the same data" in done.stderr
    assert f"process 1 has other {what}" in done.stderr
    assert not (tmp_path / "run/last/state.pt").exists()


@pytest.mark.parametrize("damage", ["bit", "missing", "of another run"])
def test_finding_05_best_weights_that_are_not_the_states_own(tmp_path, damage):
    data, run = numbers(), tmp_path / "run"
    train(run, data, until=4)
    path = run / "best/model.safetensors"
    if damage == "of another run":
        train(tmp_path / "other", data, seed=1)
        shutil.rmtree(run / "best")
        shutil.copytree(tmp_path / "other/best", run / "best")
    elif damage == "missing":
        path.unlink()
    else:
        content = bytearray(path.read_bytes())
        content[-3] ^= 8
        path.write_bytes(content)
    before = files(run)
    with pytest.raises(CheckpointError, match="does not hold the best weights that belong to"):
        train(run, data, resume=True)
    assert files(run) == before


def test_finding_05_what_describes_the_best_weights_is_put_right(tmp_path):
    data, run = numbers(), tmp_path / "run"
    train(run, data, until=4)
    path = run / "best/config.json"
    right = path.read_text()
    path.write_text(right[: len(right) // 2])
    train(run, data, until=4, resume=True)
    load_weights(run / "best")


@pytest.mark.parametrize("at", range(6))
def test_finding_05_cut_off_between_the_best_weights_and_the_state(tmp_path, monkeypatch, at):
    """``best/`` is then newer than the state, which gets its own back."""
    data, run = numbers(), tmp_path / "run"
    train(tmp_path / "whole", data)

    def cut(self, records):
        if len(records) == at + 1:
            raise Stop
        write(self, records)

    write = RunFolder.write_metrics
    monkeypatch.setattr(RunFolder, "write_metrics", cut)
    train(run, data)
    monkeypatch.undo()
    train(run, data, resume=RunFolder(run).begun)
    whole = load_state(tmp_path / "whole/last/state.pt")["history"]
    assert load_state(run / "last/state.pt")["history"]["best_weights"] == whole["best_weights"]
    one, two = (load_weights(folder / "best") for folder in (tmp_path / "whole", run))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_finding_05_a_state_that_was_deleted(largeloss, cut):
    run = cut()
    path = run / "last/state.pt"
    path.unlink()
    before = files(run)
    code, _, err = largeloss("train", "--resume", "--out", run)
    assert code == 1
    assert f"{path} is missing" in err
    assert f"cp {previous(path)} {path}" in err
    assert files(run).keys() - {"report.html"} == before.keys() - {"report.html"}
    assert files(run)["metrics.csv"] == before["metrics.csv"]
    shutil.copy(previous(path), path)
    code, _, err = largeloss("train", "--resume", "--out", run)
    assert code == 0, err


def test_finding_05_all_states_were_deleted(largeloss, cut):
    run = cut()
    shutil.rmtree(run / "last")
    before = files(run)
    code, _, err = largeloss("train", "--resume", "--out", run)
    assert code == 1
    assert "There is no checkpoint" in err
    assert files(run) == before


def test_finding_04_other_start_weights_are_refused(largeloss, image_folder, tmp_path):
    """The state has the weights, but the result would name others than the run began with."""
    torch.manual_seed(0)
    weights = tmp_path / "weights.safetensors"
    for step in range(2):
        network = timm.create_model("test_resnet", num_classes=0)
        save_file(network.state_dict(), weights)
        if not step:
            settings = [text.replace("digits", "test_resnet") for text in SMALL]
            arguments = ("train", image_folder, *settings, "--weights", weights, "--epochs", "1")
            code, _, err = largeloss(*arguments, "--image-size", "32", "--out", tmp_path / "run")
            assert code == 0, err
            (tmp_path / "run/result.json").unlink()
    code, _, err = largeloss("train", "--resume", "--out", tmp_path / "run")
    assert code == 1
    assert "The start weights are not those" in err


@pytest.mark.parametrize("name", ["content", "history", "model", "optimizer", "progress", "epoch"])
@pytest.mark.parametrize("value", [None, 7, {"a": {}}, "gone"])
def test_a_state_that_holds_something_else_is_refused(tmp_path, name, value):
    data, run = numbers(), tmp_path / "run"
    train(run, data, until=2)
    state = load_state(run / "last/state.pt")
    if (name, value) in (("progress", None), ("epoch", 7)):
        return  # these are right
    state[name] = value
    if value == "gone":
        del state[name]
    save_state(run / "last/state.pt", state)
    with pytest.raises(CheckpointError, match=r"does not fit this run|are not those that"):
        train(run, data, resume=True)


def test_a_state_of_another_version_is_refused(tmp_path):
    data, run = numbers(), tmp_path / "run"
    train(run, data, until=2)
    path = run / "last/state.pt"
    path.write_bytes(path.read_bytes().replace(b"largeloss state 2", b"largeloss state 1", 1))
    with pytest.raises(CheckpointError, match="written by another version"):
        train(run, data, resume=True)


def test_a_head_that_was_trained_on_other_weights_is_refused(largeloss, cut):
    """Of linear-init: the head is finished, the whole network has not begun."""
    run = cut(*INIT)
    shutil.rmtree(run / "last")
    (run / "metrics.csv").unlink()
    path = run / "head/best/model.safetensors"
    weights = load_file(path)
    save_file({name: value + 1 for name, value in weights.items()}, path)
    code, _, err = largeloss("train", "--resume", "--out", run)
    assert code == 1
    assert "does not hold the best weights that belong to" in err


def test_best_weights_that_cannot_be_kept_stop_the_run(tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("largeloss.training.run_folder.keep", full)
    with pytest.raises(RunError, match="No space left"):
        train(tmp_path / "run", numbers())
