"""A GPU whose memory is full is told as such wherever images pass through the network."""

import numpy as np
import pytest
import torch
from test_protocols import RECIPE, scenes

from largeloss.data import Loader
from largeloss.errors import RunError
from largeloss.forward import choose
from largeloss.losses import LOSSES
from largeloss.models import Classifier, build_classifier
from largeloss.objective import Objective
from largeloss.training import precision
from largeloss.training.engine import relabel, score, score_entries, train_epoch
from largeloss.training.evaluation import evaluation_batch, evaluation_loader
from largeloss.training.recipe import Recipe, make_optimizer, make_updates

DATA, _ = scenes()
SMALL = (
    "--backbone", "digits", "--image-size", "16", "--epochs", "1", "--batch-size", "6",
    "--workers", "0", "--method", "an",
)  # fmt: skip


@pytest.fixture
def model():
    torch.manual_seed(0)
    return build_classifier("digits", 4, (3, 16, 16))


@pytest.fixture
def full(monkeypatch):
    """The memory is full when a network gets its inputs."""

    def maps(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    monkeypatch.setattr(Classifier, "maps", maps)


def batches():
    return evaluation_loader(DATA, "val", RECIPE)


SCORED = {
    "score": lambda model: score(model, batches()),
    "score_entries": lambda model: score_entries(
        model, batches(), DATA.labels.select(DATA.rows("val"))
    ),
    "relabel": lambda model: relabel(model, LOSSES["curriculum"](), batches(), 1),
    "choose": lambda model: choose(model, batches().first(16), 100, precision="auto"),
}


@pytest.mark.parametrize("name", SCORED)
def test_scoring(model, full, name):
    with pytest.raises(RunError, match=r"full, and images were only being scored\. .*--batch-size"):
        SCORED[name](model)


def test_training(model, full):
    with pytest.raises(RunError, match=r"is full\. Lower --batch-size or --image-size"):
        precision.gain(model, (3, 16, 16), 8)

    objective = Objective(model, LOSSES["an"]())
    updates = make_updates(objective, make_optimizer(objective, RECIPE), RECIPE, 3)
    with pytest.raises(RunError, match=r"is full\. Lower --batch-size or --image-size"):
        next(train_epoch(objective, batches(), updates))


@pytest.mark.parametrize(
    "where", ["largeloss.training.frozen._extract", "largeloss.runs.suggestions._extract"]
)
def test_features(largeloss, image_folder, tmp_path, monkeypatch, where):
    def extract(*_):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(where, extract)
    run = tmp_path / "run"
    protocol = "linear" if "frozen" in where else "end-to-end"
    given = ("train", image_folder, *SMALL, "--protocol", protocol, "--out", run)
    code, _, err = largeloss(*given)
    if protocol == "end-to-end":
        assert code == 0, err
        code, _, err = largeloss("suggest", run, "--out", tmp_path / "s.csv")
    assert code == 1
    assert "The memory of the GPU is full, and images were only being scored." in err


def test_no_larger_batches_are_scored_on_a_gpu_than_trained():
    assert [evaluation_batch(size, "cuda") for size in (8, 100)] == [8, 100]
    assert [evaluation_batch(size, "cpu") for size in (8, 100)] == [64, 100]
    loader = evaluation_loader(DATA, "val", Recipe(batch_size=8), "cuda")
    assert loader.plans.batch_size == 8


@pytest.mark.parametrize(
    ("where", "command"),
    [
        ("training.evaluation", ("evaluate", "RUN")),
        ("runs.suggestions", ("suggest", "RUN", "--out", "OUT")),
        ("runs.phases", ("train", "DATA", *SMALL, "--protocol", "linear", "--out", "OUT")),
    ],
)
def test_a_trained_run_is_scored_in_its_own_batches(
    largeloss, small_run, image_folder, tmp_path, monkeypatch, where, command
):
    sizes = set()

    def noted(size, device):
        sizes.add(size)
        return size

    monkeypatch.setattr(f"largeloss.{where}.evaluation_batch", noted)
    places = {"RUN": small_run, "DATA": image_folder, "OUT": tmp_path / "out.csv"}
    code, _, err = largeloss(*(places.get(part, part) for part in command))
    assert code == 0, err
    assert sizes == {6}


def test_scores_do_not_depend_on_the_batch(model):
    rows = np.arange(40)
    whole, parts = (score(model, Loader(DATA.source, DATA.labels, rows, k)) for k in (40, 7))
    assert (whole.logits - parts.logits).abs().max() < 1e-5
