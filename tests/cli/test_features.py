"""Features in place of images: a linear model, or a small MLP."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from largeloss.cli import run
from largeloss.data.folder.read import write_features
from largeloss.runs.fitting import fitting
from largeloss.runs.load import load
from largeloss.runs.settings import saved_settings


@pytest.fixture
def feature_folder(tmp_path):
    stream = np.random.default_rng(0)
    truth = stream.integers(0, 2, (200, 4))
    values = truth @ stream.normal(size=(4, 12)) + 0.1 * stream.normal(size=(200, 12))
    root = tmp_path / "features"
    root.mkdir()
    lines = [f"{row},{','.join(map(str, labels))}" for row, labels in enumerate(truth)]
    (root / "labels.csv").write_text("\n".join(["image,a,b,c,d", *lines]) + "\n")
    names = [str(row) for row in range(200)]
    write_features(root / "features.safetensors", torch.from_numpy(values), names)
    return root


@pytest.mark.parametrize("hidden", [0, 16])
def test_features_train_without_a_backbone(feature_folder, tmp_path, hidden):
    arguments = ["--method", "full", "--epochs", "15", "--lr", "5e-3"]
    setting = ["--set", f"model.hidden={hidden}"]
    out = tmp_path / "run"
    assert run(["train", str(feature_folder), *arguments, *setting, "--out", str(out)]) == 0
    result = json.loads((out / "result.json").read_text())
    assert result["test_map"] > 95
    assert run(["evaluate", str(out), "--out", str(tmp_path / "e.json")]) == 0
    figures = json.loads((tmp_path / "e.json").read_text())
    assert figures["map"] == pytest.approx(result["test_map"], abs=1e-9)


def test_what_does_not_go_with_features(feature_folder, tmp_path, capsys):
    out = ["--out", str(tmp_path / "run")]
    assert run(["train", str(feature_folder), "--protocol", "linear", *out]) == 2
    assert "features already" in capsys.readouterr().err
    assert run(["train", str(feature_folder), "--epochs", "1", *out]) == 0
    capsys.readouterr()
    image = tmp_path / "x.png"
    image.write_bytes(b"")
    scores = ["--out", str(tmp_path / "s.csv")]
    assert run(["predict", str(tmp_path / "run"), str(image), *scores]) == 2
    assert "trained on features" in capsys.readouterr().err


@pytest.mark.parametrize("method", ["auto", "fine-tune"])
def test_recipes_leave_out_what_is_of_images(feature_folder, tmp_path, largeloss, method):
    """Whatever the backbone is, which nobody has to give for features."""
    code, text, err = largeloss(
        "train", feature_folder, "--observe", "single-positive", "--method", method, "--epochs",
        "1", "--out", tmp_path / "run",
    )  # fmt: skip
    assert code == 0, err
    assert "augment" not in text + err
    saved = saved_settings(tmp_path / "run")
    assert (saved.training.augment, saved.training.teachers) == ("none", 0)
    pretrained = saved.with_values(method={"name": "auto"}, model={"pretrained": True})
    assert fitting("auto", pretrained) == "auto"


def test_recipes_of_features_are_compared(feature_folder, tmp_path, largeloss):
    code, _, err = largeloss(
        "compare", feature_folder, "--observe", "single-positive", "--methods", "an,auto",
        "--seeds", "1", "--epochs", "1", "--out", tmp_path / "both",
    )  # fmt: skip
    assert code == 0, err


def test_finding_25_a_model_of_features_scores_unlabelled_features(
    feature_folder, tmp_path, largeloss
):
    out = tmp_path / "run"
    train = ("train", feature_folder, "--method", "full", "--epochs", "2", "--out", out)
    assert largeloss(*train)[0] == 0
    stream = torch.Generator().manual_seed(1)
    values = torch.randn(70, 12, generator=stream)
    named, plain = tmp_path / "new", tmp_path / "plain.safetensors"
    named.mkdir()
    names = [f"photos/{row}.jpg" for row in range(70)]
    write_features(named / "features.safetensors", values, names)
    save_file({"features": values}, plain)
    model = load(out)
    expected = model(values).sigmoid().double()
    for source, called in ((named, names), (plain, [str(row) for row in range(70)])):
        code, text, err = largeloss("predict", out, source, "--out", tmp_path / "s.json")
        assert code == 0, err
        assert "70 images" in text
        found = json.loads((tmp_path / "s.json").read_text())
        assert [one["image"] for one in found] == called
        for one, row in zip(found, expected.tolist(), strict=True):
            assert list(one["scores"].values()) == pytest.approx(row, abs=1e-5)
            assert all((one["scores"][tag] > model.thresholds[tag]) for tag in one["tags"])
        assert any(one["tags"] for one in found)
    parts = ("predict", out, named, "--shards", "30", "--out", tmp_path / "parts.jsonl")
    assert largeloss(*parts)[0] == 0
    lines = [line for part in sorted((tmp_path / "parts.jsonl").glob("part-*"))
             for line in part.read_text().splitlines()]  # fmt: skip
    assert [json.loads(line)["image"] for line in lines] == names
    write_features(named / "features.safetensors", values + 1, names)
    code, _, err = largeloss(*parts, "--resume")
    assert code == 2
    assert "the images that are named" in err


def test_names_of_features_stay_as_they_are(feature_folder, tmp_path, largeloss):
    run, source = tmp_path / "run", tmp_path / "new.safetensors"
    assert largeloss("train", feature_folder, "--epochs", "1", "--out", run)[0] == 0
    names = ["https://host/0.jpg", "a//b.jpg", "./c.jpg"]
    write_features(source, torch.zeros(3, 12), names)
    predictions = load(run).predict(source)
    assert [*map(str, predictions.images)] == [one.image for one in predictions] == names


@pytest.mark.parametrize(
    ("tensors", "metadata", "message"),
    [
        ({"features": torch.zeros(3, 11)}, None, "has 11 features per image; this model takes 12"),
        ({"other": torch.zeros(3, 12)}, None, "no features can be read"),
        ({"features": torch.tensor([[float("nan")] * 12])}, None, "features must be finite"),
        ({"features": torch.zeros(3)}, None, "of shape (images, dimensions)"),
        ({"features": torch.zeros(2, 12)}, {"images": '["a"]'}, "2 rows, but names 1 images"),
        ({"features": torch.zeros(2, 12)}, {"images": '["a", "a"]'}, "'a' occurs twice"),
        ({"features": torch.zeros(2, 12)}, {"images": "{"}, "no features can be read"),
        ({"features": torch.zeros(2, 12)}, {"images": "[" * 100_000}, "nested too deeply"),
        ({"features": torch.zeros(2, 12)}, {"images": "3"}, "must be a JSON list of names"),
    ],
)
def test_finding_25_features_that_a_model_cannot_score(
    feature_folder, tmp_path, largeloss, tensors, metadata, message
):
    out = tmp_path / "run"
    assert largeloss("train", feature_folder, "--epochs", "1", "--out", out)[0] == 0
    save_file(tensors, tmp_path / "f.safetensors", metadata)
    code, _, err = largeloss(
        "predict", out, tmp_path / "f.safetensors", "--out", tmp_path / "s.csv"
    )
    assert code == 2
    assert message in err
    assert not (tmp_path / "s.csv").exists()


def test_scores_as_low_as_they_go_are_probabilities(feature_folder, tmp_path, largeloss):
    """Far below where exp overflows, which would warn; warnings are errors."""
    out, scores = tmp_path / "run", tmp_path / "s.csv"
    assert largeloss("train", feature_folder, "--epochs", "1", "--out", out)[0] == 0
    save_file({"features": torch.full((2, 12), -1e30)}, tmp_path / "f.safetensors")
    code, _, err = largeloss("predict", out, tmp_path / "f.safetensors", "--out", scores)
    assert code == 0, err
    rows = [line.split(",")[2:] for line in scores.read_text().splitlines()[1:]]
    assert {float(value) for row in rows for value in row} <= {0.0, 1.0}
