"""Protocols and their feature cache, as one uses them."""

import csv
import json
import shutil

import pytest
import torch
import yaml

from largeloss.training import resume_state
from largeloss.training.checkpoint_file import load_state
from largeloss.training.weights import load_weights

SMALL = (
    "--backbone", "digits", "--image-size", "16", "--epochs", "3", "--batch-size", "8",
    "--lr", "1e-3", "--workers", "0", "--observe", "single-positive",
)  # fmt: skip
INIT = (
    *SMALL, "--protocol", "linear-init", "--set", "training.head_epochs=4", "--set",
    "training.stop_below=null",
)  # fmt: skip


def bits(folder):
    """Weights of the best epoch and the state after the last."""
    state = load_state(folder / "last/state.pt")
    return load_weights(folder / "best") | {
        f"{part}.{name}": value
        for part in ("model", "criterion")
        for name, value in state[part].items()
        if isinstance(value, torch.Tensor)
    }


def assert_same_bits(one, two):
    one, two = bits(one), bits(two)
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_linear_makes_a_classifier_of_images(largeloss, image_folder, tmp_path):
    common = [image_folder, *SMALL, "--protocol", "linear", "--method", "an"]
    cache = ["--cache", tmp_path / "cache"]
    code, _, err = largeloss("train", *common, *cache, "--out", tmp_path / "run")
    assert code == 0, err
    assert "Features were extracted in " in err
    assert len(list((tmp_path / "cache/features").glob("*.safetensors"))) == 1
    code, _, err = largeloss("evaluate", tmp_path / "run", "--out", tmp_path / "e.json")
    assert code == 0, err
    figures = json.loads((tmp_path / "e.json").read_text())
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert figures["map"] == pytest.approx(result["test_map"], abs=1e-9)


def test_features_of_random_backbones_are_kept_apart_by_seed(largeloss, image_folder, tmp_path):
    code, _, err = largeloss(
        "compare", image_folder, *SMALL, "--methods", "an", "--seeds", "2", "--protocol",
        "linear", "--cache", tmp_path / "cache", "--out", tmp_path / "c",
    )  # fmt: skip
    assert code == 0, err
    assert len(list((tmp_path / "cache/features").glob("*.safetensors"))) == 2


@pytest.mark.parametrize("method", ["ll-r", "role", "curriculum", "imcl"])
def test_linear_init_trains_the_head_and_then_everything(largeloss, image_folder, tmp_path, method):
    cache = ["--cache", tmp_path / "cache"]
    command = ["train", image_folder, *INIT, "--method", method, *cache, "--out"]
    code, out, err = largeloss(*command, tmp_path / "one")
    assert code == 0, err
    assert "The head alone, on frozen features" in out
    assert "The whole network" in out
    assert "were extracted in" in err
    with (tmp_path / "one/head/metrics.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 4
    with (tmp_path / "one/metrics.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 3
    result = json.loads((tmp_path / "one/result.json").read_text())
    assert result["protocol"] == "linear-init"
    assert result["head"]["method"] == ("an" if method == "ll-r" else method)
    saved = yaml.safe_load((tmp_path / "one/config.yaml").read_text())
    assert saved["training"]["head_method"] == result["head"]["method"]
    code, _, err = largeloss(*command, tmp_path / "two")
    assert code == 0, err
    assert "times as long" in err
    assert_same_bits(tmp_path / "one", tmp_path / "two")


@pytest.mark.parametrize("method", ["ll-cp", "role", "curriculum", "imcl"])
@pytest.mark.parametrize(("phase", "epoch"), [("head", 1), ("head", 3), ("whole", 0), ("whole", 1)])
def test_linear_init_is_resumed_to_the_same_bits(
    largeloss, image_folder, tmp_path, monkeypatch, method, phase, epoch
):
    cache = ["--cache", tmp_path / "cache"]
    command = ["train", image_folder, *INIT, "--method", method, *cache, "--out"]
    code, _, err = largeloss(*command, tmp_path / "whole")
    assert code == 0, err
    save, saved = resume_state.save_state, []

    def cut(path, state):
        save(path, state)
        saved.append(state["epoch"])
        if state["epoch"] == epoch and ("head" in path.parts) == (phase == "head"):
            raise KeyboardInterrupt

    monkeypatch.setattr(resume_state, "save_state", cut)
    code, _, err = largeloss(*command, tmp_path / "cut")
    assert code == 130
    monkeypatch.setattr(resume_state, "save_state", save)
    code, _, err = largeloss("train", "--resume", "--out", tmp_path / "cut")
    assert code == 0, err
    assert_same_bits(tmp_path / "whole", tmp_path / "cut")
    results = [json.loads((tmp_path / n / "result.json").read_text()) for n in ("whole", "cut")]
    for result in results:
        for name in ("seconds", "wall_seconds", "sha256", "sha256_of"):
            result.pop(name)
        for name in ("seconds", "wall_seconds", "sha256_of"):
            result["head"].pop(name)
    assert results[0] == results[1]


def test_a_table_that_was_learnt_goes_over_into_the_next_phase(largeloss, image_folder, tmp_path):
    command = ["train", image_folder, *INIT, "--method", "role"]
    code, _, err = largeloss(*command, "--set", "training.lr=1e-12", "--out", tmp_path / "run")
    assert code == 0, err
    head = load_state(tmp_path / "run/head/last/state.pt")["criterion"]["estimate"]
    whole = load_state(tmp_path / "run/last/state.pt")["criterion"]["estimate"]
    torch.testing.assert_close(head, whole, atol=1e-6, rtol=0)


def test_a_damaged_cache_is_made_anew(largeloss, image_folder, tmp_path):
    command = ["train", image_folder, *SMALL, "--protocol", "linear", "--cache", tmp_path / "c"]
    assert largeloss(*command, "--out", tmp_path / "one")[0] == 0
    (file,) = (tmp_path / "c/features").glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:-100])
    code, _, err = largeloss(*command, "--out", tmp_path / "two")
    assert code == 0, err
    assert "were extracted in" in err
    assert_same_bits(tmp_path / "one", tmp_path / "two")


def test_changed_images_are_other_features(largeloss, make_image_folder, tmp_path):
    folder = make_image_folder()
    command = ["train", folder, *SMALL, "--protocol", "linear", "--cache", tmp_path / "c"]
    assert largeloss(*command, "--out", tmp_path / "one")[0] == 0
    shutil.copy(folder / "images/01.png", folder / "images/00.png")
    assert largeloss(*command, "--out", tmp_path / "two")[0] == 0
    assert len(list((tmp_path / "c/features").glob("*.safetensors"))) == 2


def test_features_have_no_protocol_of_their_own(largeloss, tmp_path):
    from safetensors.torch import save_file

    folder = tmp_path / "numbers"
    folder.mkdir()
    lines = [f"{row},{('train', 'val', 'test')[row % 3]},{row % 2}" for row in range(12)]
    (folder / "labels.csv").write_text("\n".join(["image,split,odd", *lines]) + "\n")
    save_file({"features": torch.randn(12, 3)}, folder / "features.safetensors")
    code, _, err = largeloss(
        "train", folder, "--protocol", "linear-init", "--out", tmp_path / "run"
    )
    assert code == 2
    assert "is for images; these inputs are features already" in err


def test_an_unknown_protocol(largeloss, image_folder, tmp_path):
    code, _, err = largeloss("train", image_folder, "--protocol", "head", "--out", tmp_path / "r")
    assert code == 2
    assert "'end-to-end', 'linear' or 'linear-init', got 'head'" in err


def test_features_cannot_be_augmented(largeloss, image_folder, tmp_path):
    command = ["train", image_folder, *SMALL, "--protocol", "linear", "--cache", tmp_path / "c"]
    code, _, err = largeloss(*command, "--augment", "light", "--out", tmp_path / "run")
    assert code == 2
    assert "--augment light changes images in every epoch" in err
    assert not (tmp_path / "run").exists()


def test_every_setting_of_the_loop_together(largeloss, image_folder, tmp_path):
    options = (
        "--augment", "strong", "--ema", "0.9", "--schedule", "cosine", "--accumulate", "2",
    )  # fmt: skip
    code, _, err = largeloss("train", image_folder, *SMALL, *options, "--out", tmp_path / "run")
    assert code == 0, err
    code, _, err = largeloss("evaluate", tmp_path / "run", "--out", tmp_path / "e.json")
    assert code == 0, err
    figures = json.loads((tmp_path / "e.json").read_text())
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert figures["map"] == pytest.approx(result["test_map"], abs=1e-9)
