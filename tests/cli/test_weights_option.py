"""Training from weights: what images are normalised with, and what is refused before any work."""

import json
import logging

import pytest
import timm
import torch
from safetensors.torch import save_file

from largeloss.training.weights import load_config

BACKBONE = "tf_mobilenetv3_small_minimal_100"
"""Small, and its images were normalised to lie between -1 and 1 (mean and std 0.5)."""
SMALL = (
    "--backbone", BACKBONE, "--image-size", "32", "--epochs", "1", "--batch-size", "16",
    "--workers", "0", "--method", "an", "--protocol", "linear",
)  # fmt: skip
IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


@pytest.fixture
def weights(tmp_path):
    """Writes a weights file of the backbone with such metadata."""
    torch.manual_seed(0)
    state = timm.create_model(BACKBONE, num_classes=0).state_dict()

    def write(**metadata):
        save_file(state, tmp_path / "w.safetensors", metadata)
        return tmp_path / "w.safetensors"

    return write


def test_finding_09_statistics_noted_in_the_weights_file_win(
    largeloss, image_folder, weights, tmp_path
):
    noted = {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]}
    path = weights(**{name: json.dumps(values) for name, values in noted.items()})
    train = ("train", image_folder, "--weights", path, *SMALL)
    code, _, err = largeloss(*train, "--out", tmp_path / "run")
    assert code == 0, err
    assert "normalised with" not in err
    found = load_config(tmp_path / "run/best")["architecture"]
    assert {name: found[name] for name in noted} == noted
    code, _, err = largeloss(
        *train, "--set", "model.mean=[0.7,0.7,0.7]", "--out", tmp_path / "other"
    )
    assert code == 0, err
    assert "w.safetensors names mean 0.1, 0.2, 0.3 and std 0.4, 0.5, 0.6" in err
    found = load_config(tmp_path / "other/best")["architecture"]
    assert (found["mean"], found["std"]) == ([0.7] * 3, noted["std"])


def test_finding_09_without_them_timms_are_taken_and_said_to_be_assumed(
    largeloss, image_folder, weights, tmp_path
):
    train = ("train", image_folder, "--weights", weights(), *SMALL)
    code, _, err = largeloss(*train, "--out", tmp_path / "run")
    assert code == 0, err
    assert "does not say what its images were normalised with" in err
    assert f"{BACKBONE}: mean 0.5, 0.5, 0.5 and std 0.5, 0.5, 0.5" in err
    line = (
        "--set 'model.mean=[0.5,0.5,0.5]' --set 'model.std=[0.5,0.5,0.5]' --set "
        "model.args.pad_type=same"
    )
    assert line in err
    found = load_config(tmp_path / "run/best")["architecture"]
    assert (found["mean"], found["std"]) == ([0.5] * 3, [0.5] * 3)
    sets = [f"--set=model.{name}={values}" for name, values in IMAGENET.items()]
    code, _, err = largeloss(*train, *sets, "--out", tmp_path / "other")
    assert code == 0, err
    assert "normalised with" not in err
    found = load_config(tmp_path / "other/best")["architecture"]
    assert {name: found[name] for name in IMAGENET} == IMAGENET


@pytest.mark.parametrize(
    "metadata",
    [
        {"mean": "[0.5, 0.5, 0.5]"},
        {"mean": "[0.5, 0.5]", "std": "[0.5, 0.5, 0.5]"},
        {"mean": "[0.5, 0.5, 0.5]", "std": "[0.5, 0.5, 0]"},
        {"mean": "[NaN, 0.5, 0.5]", "std": "[0.5, 0.5, 0.5]"},
        {"mean": "0.5", "std": "0.5"},
        {"mean": "[", "std": "["},
        {"mean": "{}", "std": "[null, 1, 1]"},
        {"mean": "[" * 100_000, "std": "[0.5, 0.5, 0.5]"},
    ],
)
def test_finding_09_wrong_statistics_in_a_weights_file_are_refused(
    largeloss, image_folder, weights, tmp_path, metadata
):
    code, _, err = largeloss(
        "train", image_folder, "--weights", weights(**metadata), *SMALL, "--out", tmp_path / "run"
    )
    assert code == 2
    assert "must hold 'mean' and 'std' as JSON lists of three numbers" in err
    assert not (tmp_path / "run").exists()


def test_a_hub_that_cannot_be_reached_leads_to_a_file(
    largeloss, image_folder, tmp_path, monkeypatch
):
    told: list[logging.LogRecord] = []
    client, handler = logging.getLogger("huggingface_hub.utils._http"), logging.Handler()
    monkeypatch.setattr(handler, "emit", told.append)
    monkeypatch.setattr(client, "handlers", [handler])

    def create_model(*names, pretrained, **more):
        assert pretrained
        for attempt in range(12):
            client.warning(f"attempt {attempt}")
        raise OSError("Name or service not known")

    monkeypatch.setattr(timm, "create_model", create_model)
    train = ("train", image_folder, "--pretrained", *SMALL, "--out", tmp_path / "run")
    code, _, err = largeloss(*train)
    assert code == 2
    assert "Name or service not known If the hub cannot be reached: --weights FILE takes" in err
    assert [record.getMessage() for record in told] == ["attempt 0", "attempt 1"]
    assert client.filters == []
    assert not (tmp_path / "run").exists()


def test_a_file_is_taken_where_weights_could_be_fetched_too(
    largeloss, image_folder, weights, tmp_path, monkeypatch
):
    create = timm.create_model
    monkeypatch.setattr(
        timm, "create_model", lambda *names, pretrained, **more: create(*names, **more)
        if not pretrained else pytest.fail("nothing is to be fetched"),
    )  # fmt: skip
    config = tmp_path / "s.yaml"
    config.write_text(f"model:\n  weights: {weights()}\n")
    train = ("train", image_folder, "--config", config, "--pretrained", *SMALL)
    code, _, err = largeloss(*train, "--out", tmp_path / "run")
    assert code == 0, err
    assert "w.safetensors, and --pretrained fetches nothing" in err
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert result["start_weights"].startswith("w.safetensors sha256:")
