"""The recipe that 'auto' becomes where absences are observed, and what goes on with it."""

import json
from statistics import mean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import write_image_folder
from largeloss.config import make_config
from largeloss.data import Dataset
from largeloss.data.inputs.source import ImageArray
from largeloss.errors import ConfigError
from largeloss.labels import LabelTable
from largeloss.runs.fitting import FAVOURED, fitting_labels
from largeloss.runs.settings import going_on, resolved, saved_settings
from largeloss.training.evaluation import Evaluator

SMALL = (
    "--backbone", "digits", "--image-size", "16", "--epochs", "2", "--batch-size", "4",
    "--set", "training.workers=0", "--lr", "0.01",
)  # fmt: skip


def labelled(states, val):
    """A data set of training and val images, and how val is measured."""
    table = LabelTable.from_dense(np.vstack([states, val]).astype(np.int8))
    splits = {"train": np.arange(len(states)), "val": np.arange(len(states), table.num_images)}
    inputs = ImageArray(np.zeros((table.num_images, 3, 8, 8), dtype=np.uint8))
    data = Dataset("some", inputs, table, splits)
    return data, Evaluator.of(table, splits["val"])


def settings(method, model=None, training=None):
    model = {"backbone": "digits"} if model is None else model
    return resolved(make_config([{"method": method, "model": model, "training": training or {}}]))


def entries(present, absent):
    """Ten images, ten classes."""
    states = np.repeat([1, 0, -1], [present, absent, 100 - present - absent])
    return np.random.default_rng(0).permutation(states).reshape(10, 10)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 100))
def test_it_becomes_what_learns_from_observed_entries_if_these_are_like_val(present, absent, true):
    shown, val = entries(present, absent), entries(true, 100 - true)
    made, remarks = fitting_labels(settings({"name": "auto"}), *labelled(shown, val))
    tags = [state for row in shown.tolist() for state in row if state >= 0]
    truth = [state for row in val.tolist() for state in row]
    alike = 0 in tags and mean(tags) <= FAVOURED * mean(truth) + 1e-9
    assert made.method.name == ("self-training" if alike else "auto")
    assert (made.training.augment, made.training.teachers, remarks) == ("light", 1, [])
    assert made.method.given() == ({} if alike else {"num_epochs": 10})
    assert resolved(made) == made


@pytest.mark.parametrize("val", [entries(10, 20), entries(10, 0), entries(0, 0)])
def test_where_val_has_blanks_it_stays_and_says_so(val):
    before = settings({"name": "auto"})
    made, remarks = fitting_labels(before, *labelled(entries(10, 20), val))
    assert made is before
    assert "observed in training (20)" in remarks[0]
    assert "try --method self-training" in remarks[0]
    assert fitting_labels(before, *labelled(entries(10, 0), val)) == (before, [])


def test_nothing_changes_where_all_is_observed():
    complete = labelled(entries(50, 50), entries(50, 50))
    assert fitting_labels(settings({"name": "auto"}), *complete)[0].method.name == "auto"


@pytest.mark.parametrize(
    ("method", "model", "training"),
    [
        ({"name": "gr"}, None, None),
        ({"name": "auto", "slope": 4.0}, None, None),
        ({"name": "auto"}, {"backbone": "none"}, None),
        ({"name": "auto"}, None, {"protocol": "linear"}),
        ({"name": "auto"}, {"backbone": "resnet18", "pretrained": True}, None),
    ],
)
def test_what_is_chosen_or_starts_otherwise_stays(method, model, training):
    before = settings(method, model, training)
    assert fitting_labels(before, *ALIKE) == (before, [])


def test_what_goes_with_it_may_be_chosen():
    asked = settings({"name": "auto"}, training={"augment": "none", "teachers": 2, "lr": 0.5})
    made, _ = fitting_labels(asked, *ALIKE)
    assert made.method.name == "self-training"
    assert made.training == asked.training


def test_a_run_goes_on_as_it_became(tmp_path):
    asked = settings({"name": "auto"})
    became, _ = fitting_labels(asked, *ALIKE)
    assert going_on(tmp_path, became, asked) == became
    assert going_on(tmp_path, asked, asked) == asked
    for other in ({"name": "gr"}, {"name": "auto", "slope": 4.0}, {"name": "iu"}):
        with pytest.raises(ConfigError, match=r"method.name: self-training → "):
            going_on(tmp_path, became, settings(other))
    with pytest.raises(ConfigError, match=r"method.name: auto → self-training"):
        going_on(tmp_path, asked, became)


def halves(folder):
    """Images of two classes, each in half of the images of every split."""
    splits = ("train", "train", "train", "val", "test")
    rows = [f"images/{n:02d}.png,{splits[n // 4 % 5]},{n % 2},{n // 2 % 2}" for n in range(60)]
    return write_image_folder(folder, labels="\n".join(["image,split,a,b", *rows, ""]), num=60)


ALIKE = labelled(entries(10, 30), entries(25, 75))


def test_train_says_what_auto_became_and_goes_on_with_it(largeloss, tmp_path):
    data = halves(tmp_path / "data")
    asked = ["train", data, "--observe", "fraction=0.7", "--method", "auto", *SMALL]
    code, out, err = largeloss(*asked, "--out", tmp_path / "run")
    assert code == 0, err
    said = "Recipe for observed absences: Naive IU, --augment light, --teachers 1."
    assert said in " ".join((out + err).split())
    assert saved_settings(tmp_path / "run").method.name == "self-training"
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert result["method"] == "self-training"
    assert len(result["teaching"]["teachers"]) == 1
    code, out, err = largeloss(*asked, "--out", tmp_path / "run", "--resume")
    assert code == 0, err
    code, _, err = largeloss(
        *asked, "--set", "method.slope=4", "--out", tmp_path / "run", "--resume"
    )
    assert code == 2
    assert "method.name: self-training → auto" in err


def test_a_comparison_and_a_search_go_on_with_it(largeloss, tmp_path):
    data = halves(tmp_path / "data")
    asked = [data, "--observe", "fraction=0.7", "--methods", "an,auto", *SMALL[:-2]]
    tuned = ["tune", *asked, "--budget", "1", "--out", tmp_path / "tuned"]
    compared = ["compare", *asked, "--tuned", tmp_path / "tuned", "--seeds", "1"]
    compared += ["--out", tmp_path / "compared"]
    for _ in range(2):  # the second time all of it is there
        for command in (tuned, compared):
            code, out, err = largeloss(*command)
            assert code == 0, err
    assert "Recipe for" in out
    runs = json.loads((tmp_path / "compared/results.json").read_text())["runs"]
    assert [run["method"] for run in runs] == ["an", "self-training"]
