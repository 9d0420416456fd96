"""The choice of a precision: measured, kept, and the same when a run is taken up again."""

import json

import pytest
import torch
import yaml
from safetensors.torch import load_file

from largeloss.cli import run
from largeloss.config import make_config
from largeloss.data import digits
from largeloss.data.folder.read import extraction, read_features
from largeloss.models import build_classifier
from largeloss.runs.assemble import with_precision
from largeloss.runs.opened import open_run
from largeloss.training import precision
from largeloss.training.engine import score
from largeloss.training.fingerprints import FEATURES_BY
from largeloss.training.frozen import head_alone
from largeloss.training.weights import load_weights

BIG = [
    "--backbone", "resnet10t", "--image-size", "96", "--batch-size", "4", "--epochs", "2",
    "--workers", "0", "--observe", "single-positive", "--method", "ll-r",
]  # fmt: skip


def test_the_measurement_leaves_random_streams_alone():
    model = build_classifier("resnet10t", 3, (3, 96, 96))
    before = torch.get_rng_state()
    assert precision.gain(model, (3, 96, 96), 2) > 0
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("gain", "chosen"), [(1.29, "fp32"), (1.31, "bf16")])
def test_what_is_faster_is_used_said_and_kept(
    gain, chosen, image_folder, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(precision, "gain", lambda *_: gain)
    out = tmp_path / "run"
    assert run(["train", str(image_folder), *BIG, "--out", str(out)]) == 0
    said = capsys.readouterr().err
    assert f"{chosen} is used" in said
    assert yaml.safe_load((out / "config.yaml").read_text())["training"]["precision"] == chosen
    (out / "result.json").unlink()
    monkeypatch.setattr(precision, "gain", lambda *_: pytest.fail("measured again"))
    assert run(["train", "--resume", "--out", str(out)]) == 0
    assert run(["train", "--resume", "--out", str(out), "--precision", "auto"]) == 0
    other = "bf16" if chosen == "fp32" else "fp32"
    assert run(["train", "--resume", "--out", str(out), "--precision", other]) == 2
    assert "training.precision" in capsys.readouterr().err


def test_small_images_are_not_measured(monkeypatch):
    monkeypatch.setattr(precision, "gain", lambda *_: pytest.fail("measured"))
    config, said = with_precision(
        make_config([{}]), digits.read(sizes={"train": 4, "val": 4, "test": 4})
    )
    assert config.training.precision == "fp32"
    assert not said


def test_all_runs_of_a_comparison_have_the_precision_of_the_first(
    image_folder, tmp_path, monkeypatch, capsys
):
    gains = iter([2.0])
    monkeypatch.setattr(precision, "gain", lambda *_: next(gains))
    arguments = [name for name in BIG if name not in ("--method", "ll-r")]
    out = tmp_path / "runs"
    code = run(["compare", str(image_folder), *arguments, "--methods", "an,ll-r", "--out",
                str(out)])  # fmt: skip
    assert code == 0, capsys.readouterr().err
    found = [yaml.safe_load(path.read_text()) for path in out.glob("*/config.yaml")]
    assert {config["training"]["precision"] for config in found} == {"bf16"}
    assert len(found) > 1


def test_finding_06_a_linear_head_is_not_measured_and_trains_in_full_precision(
    image_folder, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(precision, "gain", lambda *_: pytest.fail("measured"))
    out, cache = tmp_path / "run", tmp_path / "cache"
    arguments = [*BIG, "--protocol", "linear", "--cache", str(cache), "--out", str(out)]
    assert run(["train", str(image_folder), *arguments]) == 0, capsys.readouterr()
    assert yaml.safe_load((out / "config.yaml").read_text())["training"]["precision"] == "fp32"


@pytest.mark.parametrize("chosen", ["fp32", "bf16"])
def test_finding_06_a_run_is_scored_in_the_precision_that_it_records(
    chosen, image_folder, tmp_path, capsys
):
    out, cache = tmp_path / "run", tmp_path / "cache"
    arguments = [*BIG, "--protocol", "linear", "--cache", str(cache), "--precision", chosen]
    assert run(["train", str(image_folder), *arguments, "--out", str(out)]) == 0, (
        capsys.readouterr()
    )
    assert json.loads((out / "best/config.json").read_text())["scoring_precision"] == chosen
    (file,) = (cache / "features").glob("*.safetensors")
    opened = open_run(out)
    rows = opened.dataset.rows("test")
    features = read_features(file, opened.dataset.labels)[rows]
    with torch.no_grad():
        own_table = head_alone(load_weights(out / "best"))(features).logits
    evaluated = score(opened.model.network, opened.loader("test")).logits
    torch.testing.assert_close(evaluated, own_table, rtol=1e-5, atol=1e-5)
    opened.model.network.scored_in_bf16 = chosen == "fp32"
    other = score(opened.model.network, opened.loader("test")).logits
    assert (other - own_table).abs().max() > 1e-4


def test_features_in_bfloat16_are_kept_apart(image_folder, tmp_path, capsys):
    arguments = [str(image_folder), *BIG, "--protocol", "linear"]
    arguments += ["--cache", str(tmp_path / "c")]
    for chosen in ("fp32", "bf16"):
        out = ["--out", str(tmp_path / chosen)]
        assert run(["train", *arguments, "--precision", chosen, *out]) == 0, capsys.readouterr()
    assert len(list((tmp_path / "c/features").glob("*.safetensors"))) == 2


def test_features_say_what_computed_them_and_a_run_goes_on_with_that(
    image_folder, tmp_path, capsys
):
    cache, out = tmp_path / "cache", tmp_path / "run"
    arguments = [
        "train", str(image_folder), "--backbone", "digits", "--image-size", "16", "--epochs", "1",
        "--workers", "0", "--protocol", "linear", "--cache", str(cache),
    ]  # fmt: skip
    assert run([*arguments, "--backend", "openvino", "--out", str(tmp_path / "first")]) == 0
    (file,) = (cache / "features").glob("*.safetensors")
    features, made = load_file(file)["features"], extraction(file)
    assert made.backend == "openvino"
    assert 0 < made.difference < 1e-4
    assert run([*arguments, "--out", str(out)]) == 0  # auto takes what is there
    assert "extracting them by openvino took" in capsys.readouterr().err
    assert json.loads((out / "result.json").read_text())["fingerprints"][FEATURES_BY] == "openvino"
    assert run([*arguments, "--backend", "torch", "--out", str(tmp_path / "torch")]) == 0
    assert extraction(file).backend == "torch"
    (out / "result.json").unlink()
    assert run(["train", "--resume", "--out", str(out)]) == 0
    assert extraction(file).backend == "openvino"
    assert torch.equal(load_file(file)["features"], features)
