"""The recipe that 'auto' becomes where absences are observed, and what goes on with it."""

import json
from dataclasses import replace
from statistics import mean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from conftest import write_image_folder
from largeloss.config import make_config, read_yaml
from largeloss.data import Dataset
from largeloss.data.inputs.source import ImageArray
from largeloss.errors import ConfigError, RunError
from largeloss.labels import LabelTable
from largeloss.models.backbones import SmallConvNet
from largeloss.runs import assemble, train
from largeloss.runs.data import RunData
from largeloss.runs.fitting import labels_decide
from largeloss.runs.fitting_labels import FAVOURED, SURE, fitting_labels
from largeloss.runs.settings import going_on, resolved, saved_settings
from largeloss.training.evaluation import Evaluator

PRETRAINED = {"backbone": "resnet18", "pretrained": True}
SMALL = (
    "--backbone", "digits", "--image-size", "16", "--epochs", "2", "--batch-size", "4",
    "--set", "training.workers=0", "--lr", "0.01",
)  # fmt: skip


def labelled(states, val):
    """Training images, and how val is measured."""
    table = LabelTable.from_dense(np.vstack([states, val]).astype(np.int8))
    splits = {"train": np.arange(len(states)), "val": np.arange(len(states), table.num_images)}
    inputs = ImageArray(np.zeros((table.num_images, 3, 8, 8), dtype=np.uint8))
    data = Dataset("some", inputs, table, splits)
    return data, Evaluator.of(table, splits["val"])


def given_settings(method, model=None, training=None):
    model = {"backbone": "digits"} if model is None else model
    return make_config([{"method": method, "model": model, "training": training or {}}])


def settings(method, model=None, training=None):
    return resolved(given_settings(method, model, training))


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
    fair = 0 in tags and mean(tags) <= FAVOURED * mean(truth) + 1e-9
    for own, others in zip(shown.T.tolist(), val.T.tolist(), strict=True):
        given_of_class = [state for state in own if state >= 0]
        if 1 in own and 0 not in own:
            fair = False
        elif given_of_class:
            p, q = mean(given_of_class), mean(others)
            error = p * (1 - p) / len(given_of_class) + FAVOURED**2 * q * (1 - q) / len(others)
            fair &= p - FAVOURED * q <= SURE * error**0.5
    assert made.method.name == ("self-training" if fair else "auto")
    assert (made.training.augment, made.training.teachers) == ("light", 1)
    assert made.method.given() == ({} if fair else {"num_epochs": 10})
    assert resolved(made) == made
    assert len(remarks) == (0 in tags)
    if fair:
        expected = f"{100 * mean(tags):.1f} % of the observed training entries are present, and "
        assert f"alike: {expected}{100 * mean(truth):.1f} % on val." in remarks[0]


def test_a_class_of_which_presences_alone_are_written_down_is_found():
    """Overall, as many are present as on val."""
    shown = np.full((300, 4), -1)
    shown[:100, :3] = np.arange(100)[:, None] % 10 == 0
    shown[:20, 3] = 1
    val = np.tile(np.arange(100)[:, None] % 5 == 0, 4).astype(int)
    assert (shown[shown >= 0] == 1).mean() < val.mean()
    asked = settings({"name": "auto"})
    made, remarks = fitting_labels(asked, *labelled(shown, val))
    assert made is asked
    assert remarks == [
        "Of 1 class presences were written down more often than absences. So GR is "
        "trained, and not Naive IU."
    ]
    shown[20:24, 3] = 0
    assert fitting_labels(asked, *labelled(shown, val))[0] is asked
    shown[24:100, 3] = 0
    assert fitting_labels(asked, *labelled(shown, val))[0].method.name == "self-training"


@pytest.mark.parametrize("val", [entries(10, 20), entries(10, 0), entries(0, 0)])
def test_where_val_has_blanks_it_stays_and_says_so(val):
    before = settings({"name": "auto"})
    made, remarks = fitting_labels(before, *labelled(entries(10, 20), val))
    assert made is before
    assert "Absences are observed in training." in remarks[0]
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
        ({"name": "auto", "num_epochs": 3}, None, None),
        ({"name": "auto"}, {"backbone": "none"}, None),
        ({"name": "auto"}, None, {"protocol": "linear"}),
        ({"name": "fine-tune"}, PRETRAINED, None),
        ({"name": "auto", "delta_rel": 0.2}, PRETRAINED, None),
        ({"name": "auto", "missing": 20}, PRETRAINED, None),
        ({"name": "auto"}, PRETRAINED, {"protocol": "linear-init"}),
    ],
)
def test_what_is_chosen_or_starts_otherwise_stays(method, model, training):
    assert not labels_decide(given_settings(method, model, training))


@pytest.mark.parametrize(
    ("method", "model"),
    [
        ({"name": "auto"}, None),
        ({"name": "auto", "num_epochs": 10}, None),
        ({"name": "auto"}, PRETRAINED),
        ({"name": "auto", "delta_rel": "auto"}, PRETRAINED),
    ],
)
def test_where_no_other_method_is_set_up_the_labels_decide(method, model):
    assert labels_decide(given_settings(method, model))


def test_a_network_from_given_weights_becomes_the_same_as_one_from_a_random_start():
    asked = given_settings({"name": "auto"}, PRETRAINED)
    assert resolved(asked).method.name == "fine-tune"
    made = resolved(fitting_labels(asked, *ALIKE)[0])
    assert made == settings({"name": "self-training"}, PRETRAINED)
    assert (made.training.augment, made.training.teachers) == ("light", 1)
    favoured = labelled(entries(30, 10), entries(25, 75))
    made, remarks = fitting_labels(asked, *favoured)
    assert made is asked
    assert "So LL-R is trained, and not Naive IU." in remarks[0]


@pytest.mark.parametrize(
    ("method", "model", "words"),
    [
        ({"name": "auto", "slope": 4.0}, None, "with method.slope it is GR here"),
        ({"name": "auto", "num_epochs": 3}, PRETRAINED, "with method.num_epochs it is LL-R here"),
    ],
)
def test_where_the_method_is_set_up_the_other_is_named(method, model, words):
    asked = given_settings(method, model)
    made, remarks = fitting_labels(asked, *ALIKE)
    assert made is asked
    assert "try --method self-training, too: " + words in remarks[0]


def test_what_goes_with_it_may_be_chosen():
    asked = settings({"name": "auto"}, training={"augment": "none", "teachers": 2, "lr": 0.5})
    made, _ = fitting_labels(asked, *ALIKE)
    assert made.method.name == "self-training"
    assert made.training == asked.training


@pytest.mark.parametrize("select", ["observed", "assume-absent"])
def test_what_is_hidden_of_val_says_nothing_where_it_does_not_choose(select):
    complete, _ = ALIKE
    shown, _ = labelled(entries(10, 30), entries(10, 30))
    for training in (complete, shown):
        asked = settings({"name": "auto"}, training={"select": select})
        splits = complete.splits | {"test": complete.splits["val"]}
        data = RunData(*(replace(one, splits=splits) for one in (training, complete)))
        val = assemble.make_evaluators(asked, data).val
        made, remarks = fitting_labels(asked, training, val)
        blank = training is shown
        assert made.method.name == ("auto" if blank else "self-training")
        assert ("which has blanks" in remarks[0]) == blank


@pytest.mark.parametrize(
    ("model", "otherwise", "setting"),
    [(None, "auto", {"slope": 4.0}), (PRETRAINED, "fine-tune", {"delta_rel": 0.2})],
)
def test_a_run_goes_on_as_it_became(tmp_path, model, otherwise, setting):
    asked = given_settings({"name": "auto"}, model)
    became, before = resolved(fitting_labels(asked, *ALIKE)[0]), resolved(asked)
    assert going_on(tmp_path, became, asked) == became
    assert going_on(tmp_path, before, asked) == before
    for other in ({"name": "gr"}, {"name": "auto", **setting}, {"name": "iu"}):
        with pytest.raises(ConfigError, match=r"method.name: self-training → "):
            going_on(tmp_path, became, given_settings(other, model))
    with pytest.raises(ConfigError, match=f"method.name: {otherwise} → self-training"):
        going_on(tmp_path, before, became)


def halves(folder):
    """Images of two classes, each in half of the images of every split."""
    splits = ("train", "train", "train", "val", "test")
    rows = [f"images/{n:02d}.png,{splits[n // 4 % 5]},{n % 2},{n // 2 % 2}" for n in range(60)]
    return write_image_folder(folder, labels="\n".join(["image,split,a,b", *rows, ""]), num=60)


ALIKE = labelled(entries(10, 30), entries(25, 75))


@pytest.mark.parametrize("start", ["random", "given"])
def test_train_says_what_auto_became_and_goes_on_with_it(largeloss, tmp_path, start):
    data = halves(tmp_path / "data")
    asked = ["train", data, "--observe", "fraction=0.7", "--method", "auto", *SMALL]
    if start == "given":
        save_file(SmallConvNet().state_dict(), tmp_path / "net.safetensors")
        asked += ["--weights", tmp_path / "net.safetensors"]
    code, out, err = largeloss(*asked, "--out", tmp_path / "run")
    assert code == 0, err
    said = "Recipe for observed absences: Naive IU, --augment light, --teachers 1."
    assert said in " ".join((out + err).split())
    epochs = [line for line in out.splitlines() if "  loss " in line]
    assert [" left" in line for line in epochs] == [True, True, True, False]
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
    assert f"method.name: self-training → {'auto' if start == 'random' else 'fine-tune'}" in err


@pytest.fixture
def begun_before(largeloss, tmp_path, monkeypatch):
    """A run of a version that trained GR under the name 'auto', whatever the labels; cut off."""
    asked = ["train", halves(tmp_path / "data"), "--observe", "fraction=0.7", "--method", "auto"]
    asked += [*SMALL, "--out", tmp_path / "run"]

    def cut(*arguments, **settings):
        raise RunError("cut off")

    with monkeypatch.context() as before:
        before.setattr(assemble, "fitting_labels", lambda asked, *data: (asked, []))
        before.setattr(train, "fit", cut)
        code, _, err = largeloss(*asked)
        assert (code, "cut off" in err) == (1, True)
    return asked


def test_a_run_of_an_earlier_version_and_its_folds_go_on_as_it_was_begun(
    largeloss, tmp_path, begun_before
):
    code, _, err = largeloss(*begun_before, "--resume")
    assert code == 0, err
    assert json.loads((tmp_path / "run/result.json").read_text())["method"] == "auto"
    ranked = ["--out", tmp_path / "suggestions.csv"]
    code, _, err = largeloss("suggest", tmp_path / "run", "--folds", "2", *ranked)
    assert code == 0, err
    saved = [read_yaml(path) for path in (tmp_path / "run").rglob("config.yaml")]
    assert [one["method"]["name"] for one in saved] == ["auto"] * 3


@pytest.mark.parametrize("start", ["random", "given"])
def test_a_comparison_and_a_search_decide_once_and_go_on_with_it(largeloss, tmp_path, start):
    data = halves(tmp_path / "data")
    asked = [data, "--observe", "fraction=0.7", "--methods", "an,auto", *SMALL[:-2]]
    if start == "given":
        save_file(SmallConvNet().state_dict(), tmp_path / "net.safetensors")
        asked += ["--weights", tmp_path / "net.safetensors"]
    tuned = ["tune", *asked, "--budget", "1", "--out", tmp_path / "tuned"]
    compared = ["compare", *asked, "--tuned", tmp_path / "tuned", "--seeds", "2", "--vary-labels"]
    compared += ["--out", tmp_path / "compared"]
    for _ in range(2):  # the second time all of it is there
        for command in (tuned, compared):
            code, out, err = largeloss(*command)
            assert code == 0, err
            assert "Presences and absences were written down alike" in " ".join(err.split())
            assert "no longer those of an earlier one" not in " ".join(err.split())
    assert "Recipe for" in out
    runs = json.loads((tmp_path / "compared/results.json").read_text())["runs"]
    assert [run["method"] for run in runs] == ["an", "self-training"] * 2
    chosen = json.loads((tmp_path / "tuned/tuned.json").read_text())["methods"]
    assert [one["method"] for one in chosen] == ["an", "self-training"]


@pytest.mark.parametrize("command", ["compare", "tune"])
def test_two_methods_that_are_one_by_the_labels_are_refused(largeloss, tmp_path, command):
    asked = [halves(tmp_path / "data"), "--observe", "fraction=0.7", *SMALL[:-2]]
    asked += ["--methods", "an,auto,self-training", "--out", tmp_path / "out"]
    code, _, err = largeloss(command, *asked)
    assert code == 2
    assert "auto and self-training of --methods are the same run" in err
