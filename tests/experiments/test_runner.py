"""Runs that are there already: only those that can be compared with new ones are taken."""

import re
from dataclasses import replace

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from largeloss.config import make_config
from largeloss.data.folder.read import write_features
from largeloss.errors import ConfigError
from largeloss.experiments.grid import plan
from largeloss.experiments.results import Comparison
from largeloss.experiments.run_settings import planned_settings, with_method
from largeloss.experiments.variant import Variant, parse_methods
from largeloss.files import checksummed_json, verified_json
from largeloss.losses import check_method
from largeloss.models.backbones import SmallConvNet
from largeloss.runs.settings import resolved, saved_settings

SMALL = ("--backbone", "none", "--epochs", "2", "--workers", "0", "--batch-size", "8")


@pytest.fixture
def data(tmp_path):
    """40 inputs of two classes; complete labels."""
    folder = tmp_path / "data"
    folder.mkdir()
    features = torch.randn(40, 4, generator=torch.Generator().manual_seed(0))
    lines = ["image,split,a,b"]
    for row, (a, b) in enumerate((features[:, :2] > 0).int().tolist()):
        split = "train" if row < 24 else "val" if row < 32 else "test"
        lines.append(f"{row}.jpg,{split},{a},{b}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    write_features(folder / "features.safetensors", features, [f"{row}.jpg" for row in range(40)])
    return folder


def change(data, split):
    """The last image of a split gets the other label of class b."""
    path = data / "labels.csv"
    lines = path.read_text().splitlines()
    row = max(i for i, line in enumerate(lines) if f",{split}," in line)
    lines[row] = lines[row][:-1] + str(1 - int(lines[row][-1]))
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("more", [(), ("--observe", "single-positive", "--bad-images", "skip")])
def test_a_finished_run_with_other_labels_is_refused_before_anything_is_trained(
    data, largeloss, tmp_path, more
):
    out = tmp_path / "both"
    shares = ("--complete", "0.5") if more else ()
    compare = ("compare", data, *SMALL, *more, "--seeds", 1, *shares, "--out", out, "--methods")
    assert largeloss(*compare, "an")[0] == 0
    kept = (data / "labels.csv").read_text()
    for split, what in (("train", "training labels"), ("val", "of val"), ("test", "of test")):
        change(data, split)
        code, _, err = largeloss(*compare, "ll-r,an")
        assert code == 2
        assert "an-seed0 is finished" in " ".join(err.split())
        assert f"{what} have changed since" in " ".join(err.split())
        assert not (out / "ll-r-seed0").exists()
        (data / "labels.csv").write_text(kept)
    assert largeloss(*compare, "ll-r,an")[0] == 0


def test_without_a_test_split_the_figures_are_called_those_of_val(data, largeloss, tmp_path):
    labels, out = data / "labels.csv", tmp_path / "both"
    labels.write_text(labels.read_text().replace(",test,", ",val,"))
    compare = ("compare", data, *SMALL, "--seeds", 1, "--methods", "full", "--complete", "0.5")
    code, printed, err = largeloss(*compare, "--out", out)
    assert code == 0, err
    assert largeloss("report", out, "--out", tmp_path / "again.html")[0] == 0
    texts = [printed, (out / "table.md").read_text(), (out / "report.html").read_text()]
    for text in (*texts, (tmp_path / "again.html").read_text()):
        words = " ".join(text.split())
        assert "There is no test split: what is called test below is val." in words
        assert "Val mAP (%)" in words
        assert "Val was measured by complete labels." in words
        assert "reach the same mean val mAP" in words
        assert not re.search("test mAP|test images|on test|test split;", words, re.IGNORECASE)
    found = Comparison.read(out / "results.json")
    assert found.test_split == "val"
    old = replace(found.runs[0], test_split="test")  # as files of earlier versions are read
    assert Comparison.of([old]).test_split == "test"


def test_a_finished_run_with_other_features_is_refused(data, largeloss, tmp_path):
    out = tmp_path / "both"
    compare = ("compare", data, *SMALL, "--seeds", 1, "--complete", "0.5", "--out", out)
    assert largeloss(*compare, "--methods", "an")[0] == 0
    names = [f"{row}.jpg" for row in range(40)]
    write_features(data / "features.safetensors", torch.ones(40, 4), names)
    code, _, err = largeloss(*compare, "--methods", "an,ll-r")
    assert code == 2
    assert "an-seed0 is finished, but its inputs have changed since" in " ".join(err.split())
    assert not (out / "ll-r-seed0").exists()
    for path in out.glob("*/result.json"):  # as a version wrote it that did not note them
        content = verified_json(path.read_text())
        del content["fingerprints"]["inputs"]
        path.write_text(checksummed_json(content))
    assert largeloss(*compare, "--methods", "an,ll-r")[0] == 0


def test_a_finished_run_with_other_start_weights_is_refused(data, largeloss, tmp_path):
    """Images, since features have no network."""
    for row in range(40):
        Image.new("RGB", (8, 8), (6 * row, 0, 0)).save(data / f"{row}.jpg")
    (data / "features.safetensors").unlink()
    weights = tmp_path / "digits.safetensors"
    state = SmallConvNet().state_dict()
    save_file(state, weights)
    out = tmp_path / "both"
    compare = ("compare", data, "--backbone", "digits", "--weights", weights, "--image-size", 16,
               *SMALL[2:], "--seeds", 1, "--out", out)  # fmt: skip
    code, _, err = largeloss(*compare, "--methods", "an")
    assert code == 0, err
    save_file({name: value + 1 for name, value in state.items()}, weights)
    code, _, err = largeloss(*compare, "--methods", "an,ll-r")
    assert code == 2
    assert "its start weights have changed since" in " ".join(err.split())


def test_a_run_that_diverges_is_named(data, largeloss, tmp_path):
    names = [f"{row}.jpg" for row in range(40)]
    write_features(data / "features.safetensors", 1e38 * torch.ones(40, 4), names)
    compare = ("compare", data, *SMALL, "--seeds", 1, "--lr", "10", "--methods", "an")
    code, _, err = largeloss(*compare, "--out", tmp_path / "both")
    assert code == 1, err
    assert "Error: an-seed0: " in err
    assert err.count("an-seed0: ") == 1


def test_a_finished_trial_with_other_labels_is_refused(data, largeloss, tmp_path):
    tune = ("tune", data, *SMALL, "--methods", "an", "--out", tmp_path / "tuned", "--budget")
    assert largeloss(*tune, 1)[0] == 0
    change(data, "val")
    code, _, err = largeloss(*tune, 3)
    assert code == 2
    assert "is finished, but its" in " ".join(err.split())


def test_a_run_begun_with_other_settings_is_refused_before_the_first_training(
    data, largeloss, tmp_path
):
    out = tmp_path / "both"
    compare = ("compare", data, *SMALL, "--seeds", 1, "--out", out)
    assert largeloss(*compare, "--methods", "ll-r", "--lr", "0.01")[0] == 0
    for unfinished in (False, True):
        if unfinished:
            (out / "ll-r-seed0" / "result.json").unlink()  # as a kill would leave it
        code, _, err = largeloss(*compare, "--methods", "an,ll-r", "--lr", "0.001")
        assert code == 2
        assert "training.lr: 0.01 → 0.001" in err
        assert not (out / "an-seed0").exists()


def test_new_runs_have_the_precision_of_those_that_are_there(data, largeloss, tmp_path):
    out = tmp_path / "both"
    compare = ("compare", data, *SMALL, "--seeds", 1, "--out", out, "--methods")
    assert largeloss(*compare, "an", "--precision", "bf16")[0] == 0
    assert largeloss(*compare, "ll-r")[0] == 0
    assert saved_settings(out / "ll-r-seed0").training.precision == "bf16"


def test_a_given_share_of_missing_tags_stays_where_delta_is_auto():
    base = make_config([{"method": {"name": "ll-r", "delta_rel": "auto", "missing": 5.0}}])

    def missing(delta):
        grid = plan([Variant("ll-r", delta)], 1)
        (settings,) = planned_settings(lambda variant: base, grid).values()
        return settings.method.missing

    assert missing(None) == missing("auto") == 5.0
    assert missing(0.5) is None


@pytest.mark.parametrize(("pretrained", "name"), [(True, "fine-tune"), (False, "auto")])
def test_auto_keeps_the_settings_of_the_recipe_that_fits(pretrained, name):
    model = {"backbone": "resnet18", "pretrained": pretrained}
    base = make_config([{"method": {"name": "auto", "missing": 5.0}, "model": model}])
    (settings,) = planned_settings(lambda variant: base, plan([Variant("auto")], 1)).values()
    assert settings.method.name == name
    assert settings.method.missing == (5.0 if name == "fine-tune" else None)


@pytest.mark.parametrize(
    ("methods", "model", "same"),
    [("auto,fine-tune", {"backbone": "resnet18", "pretrained": True}, "both are fine-tune:auto"),
     ("ll-r,an,ll-r:0.2", {}, "both are ll-r:0.2")],
)  # fmt: skip
def test_two_methods_that_are_the_same_run_are_named(methods, model, same):
    base = make_config([{"method": {"name": "an"}, "model": model}])
    first, second = methods.split(",")[0], methods.split(",")[-1]
    with pytest.raises(ConfigError, match=f"^{first} and {second} of --methods.*{same}"):
        planned_settings(lambda variant: base, plan(parse_methods(methods), 1))


def test_a_search_drops_a_share_of_missing_tags_where_delta_is_a_number():
    base = make_config([{"method": {"name": "ll-r", "missing": 3.0}}])
    assert with_method(base, "ll-r", {"delta_rel": 0.5}).method.missing is None
    assert with_method(base, "ll-r", {"delta_rel": "auto"}).method.missing == 3.0


def test_a_number_of_epochs_is_for_methods_that_go_by_it():
    base = make_config([{"method": {"name": "gr", "num_epochs": 3}}])
    for method, own, kept in (
        ("gr", {}, True),
        ("ll-r", {"delta_rel": "auto"}, True),
        ("ll-r", {"delta_rel": 0.5}, False),
        ("ll-r", {}, False),
        ("an", {}, False),
    ):
        made = with_method(base, method, own).method
        assert made.given().get("num_epochs") == (3 if kept else None)
        check_method(method, made.given())


def test_a_search_keeps_the_settings_of_the_recipe_that_fits():
    model = {"backbone": "resnet18", "pretrained": True}
    base = make_config([{"method": {"name": "an", "missing": 5.0}, "model": model}])
    made = with_method(base, "auto", {})
    assert (made.method.name, made.method.missing) == ("auto", 5.0)
    assert resolved(made).method.name == "fine-tune"
