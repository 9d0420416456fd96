"""The recipe that 'auto' becomes where absences are observed, and what goes on with it."""

import json

import numpy as np
import pytest

from conftest import write_image_folder
from largeloss.config import make_config
from largeloss.data import Dataset
from largeloss.data.inputs.source import ImageArray
from largeloss.errors import ConfigError
from largeloss.labels import LabelTable
from largeloss.runs.fitting import ABSENT, fitting_labels
from largeloss.runs.settings import going_on, resolved, saved_settings

SMALL = (
    "--backbone", "digits", "--image-size", "16", "--epochs", "2", "--batch-size", "4",
    "--set", "training.workers=0", "--lr", "0.01",
)  # fmt: skip


def labelled(states):
    """A data set whose last image is no training image, and complete."""
    states = np.vstack([states, np.zeros_like(states[:1])])
    rows = np.arange(len(states))
    splits = {"train": rows[:-1], "val": rows[-1:]}
    inputs = ImageArray(np.zeros((len(states), 3, 8, 8), dtype=np.uint8))
    return Dataset("some", inputs, LabelTable.from_dense(states.astype(np.int8)), splits)


def settings(method, model=None, training=None):
    model = {"backbone": "digits"} if model is None else model
    return resolved(make_config([{"method": method, "model": model, "training": training or {}}]))


def states(absent):
    """10 images, 10 classes: one tag each, and ``absent`` observed absences."""
    made = np.full(100, -1)
    made[:10] = 1
    made[10 : 10 + absent] = 0
    return made.reshape(10, 10)


@pytest.mark.parametrize("absent", range(12))
def test_it_depends_on_the_share_of_observed_absences(absent):
    made = fitting_labels(settings({"name": "auto"}), labelled(states(absent)))
    expected = "self-training" if absent / 100 >= ABSENT else "auto"
    assert made.method.name == expected
    assert (made.training.augment, made.training.teachers) == ("light", 1)
    assert made.method.given() == ({"num_epochs": 10} if expected == "auto" else {})
    assert resolved(made) == made


def test_nothing_changes_where_all_is_observed():
    complete = labelled(np.eye(10))
    assert fitting_labels(settings({"name": "auto"}), complete).method.name == "auto"


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
    assert fitting_labels(before, labelled(states(40))) is before


def test_what_goes_with_it_may_be_chosen():
    given = settings({"name": "auto"}, training={"augment": "none", "teachers": 2, "lr": 0.5})
    made = fitting_labels(given, labelled(states(40)))
    assert made.method.name == "self-training"
    assert made.training == given.training


def test_a_run_goes_on_as_it_became(tmp_path):
    asked = settings({"name": "auto"})
    became = fitting_labels(asked, labelled(states(40)))
    assert going_on(tmp_path, became, asked) == became
    assert going_on(tmp_path, asked, asked) == asked
    for other in ({"name": "gr"}, {"name": "auto", "slope": 4.0}, {"name": "iu"}):
        with pytest.raises(ConfigError, match=r"method.name: self-training → "):
            going_on(tmp_path, became, settings(other))
    with pytest.raises(ConfigError, match=r"method.name: auto → self-training"):
        going_on(tmp_path, asked, became)


def test_train_says_what_auto_became_and_goes_on_with_it(largeloss, tmp_path):
    data = write_image_folder(tmp_path / "data", num=60)
    given = ["train", data, "--observe", "fraction=0.7", "--method", "auto", *SMALL]
    code, out, err = largeloss(*given, "--out", tmp_path / "run")
    assert code == 0, err
    said = "Recipe for observed absences: Naive IU, --augment light, --teachers 1."
    assert said in " ".join((out + err).split())
    assert saved_settings(tmp_path / "run").method.name == "self-training"
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert result["method"] == "self-training"
    assert len(result["teaching"]["teachers"]) == 1
    code, out, err = largeloss(*given, "--out", tmp_path / "run", "--resume")
    assert code == 0, err
    code, _, err = largeloss(
        *given, "--set", "method.slope=4", "--out", tmp_path / "run", "--resume"
    )
    assert code == 2
    assert "method.name: self-training → auto" in err


def test_a_comparison_and_a_search_go_on_with_it(largeloss, tmp_path):
    data = write_image_folder(tmp_path / "data", num=60)
    given = [data, "--observe", "fraction=0.7", "--methods", "an,auto", *SMALL[:-2]]
    tuned = ["tune", *given, "--budget", "1", "--out", tmp_path / "tuned"]
    compared = ["compare", *given, "--tuned", tmp_path / "tuned", "--seeds", "1"]
    compared += ["--out", tmp_path / "compared"]
    for _ in range(2):  # the second time all of it is there
        for command in (tuned, compared):
            code, out, err = largeloss(*command)
            assert code == 0, err
    assert "Recipe for" in out
    runs = json.loads((tmp_path / "compared/results.json").read_text())["runs"]
    assert [run["method"] for run in runs] == ["an", "self-training"]
