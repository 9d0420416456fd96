"""Features in place of images: a linear model, or a small MLP."""

import json

import numpy as np
import pytest
import torch

from largeloss.cli import run
from largeloss.data.folder.read import write_features


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
