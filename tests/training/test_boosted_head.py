"""BoostLU: a head that counts positive activations of the maps more, end to end."""

import json

import numpy as np
import pytest
import torch
import yaml
from test_protocols import ARGUMENTS, scenes

from largeloss.analysis.cam import activation_maps
from largeloss.errors import ConfigError
from largeloss.losses import LOSSES
from largeloss.models import build_classifier
from largeloss.objective import Objective
from largeloss.runs.load import load

SMALL = (
    "--backbone", "digits", "--image-size", "16", "--epochs", "2", "--batch-size", "6", "--workers",
    "0", "--observe", "single-positive",
)  # fmt: skip


def images(side=16, num=3):
    stream = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (num, 3, side, side), dtype=torch.uint8, generator=stream)


@pytest.mark.parametrize("alpha", [0.5, 1, 5])
def test_logits_by_loops(alpha):
    torch.manual_seed(0)
    model = build_classifier("digits", 4, (3, 16, 16), alpha=alpha).eval()
    maps = model.maps(images()).double().tolist()
    weight, bias = model.head.weight.double().tolist(), model.head.bias.double().tolist()
    output = model(images())
    for b, channels in enumerate(maps):
        height, width = len(channels[0]), len(channels[0][0])
        for c in range(4):
            total = 0.0
            for y in range(height):
                for x in range(width):
                    value = bias[c] + sum(
                        w * channel[y][x] for w, channel in zip(weight[c], channels, strict=True)
                    )
                    total += value * (alpha if value > 0 else 1)
            assert output.logits[b, c].item() == pytest.approx(total / (height * width), abs=1e-5)
    means = np.array(maps).mean(axis=(2, 3))
    np.testing.assert_allclose(output.features.detach(), means, rtol=1e-5)
    shown = activation_maps(model, images()).mean(dim=(2, 3))
    torch.testing.assert_close(shown, output.logits.detach())


def test_alpha_1_is_pooling_and_a_linear_layer():
    torch.manual_seed(0)
    boosted = build_classifier("mobilenetv2_035", 4, (3, 64, 64), alpha=1).eval()
    plain = build_classifier("mobilenetv2_035", 4, (3, 64, 64)).eval()
    plain.load_state_dict(boosted.state_dict())
    torch.testing.assert_close(boosted(images(64)).logits, plain(images(64)).logits)


def test_dropout_hides_whole_maps():
    model = build_classifier("digits", 4, (3, 16, 16), alpha=5, dropout=0.5).train()
    maps = model.dropout(model.pooled(images()).abs() + 1)
    hidden = maps.flatten(2) == 0
    assert torch.equal(hidden.any(dim=2), hidden.all(dim=2))
    assert hidden.any()


@pytest.mark.parametrize("method", LOSSES)
def test_every_method_trains_it(method):
    torch.manual_seed(0)
    data, _ = scenes()
    known = data.observed("single-positive" if method != "full" else "fraction=1").labels
    labels, rows = torch.from_numpy(known.to_dense()[:8]), torch.arange(8)
    arguments = ARGUMENTS.get(method, {})
    if method == "role":
        arguments = arguments | {"labels": labels}
    criterion = LOSSES[method](**arguments)
    criterion.set_epoch(0)
    objective = Objective(build_classifier("digits", 4, (3, 16, 16), alpha=5), criterion)
    value = objective(images(num=8), labels, rows).loss
    value.backward()
    assert value.isfinite()
    head = objective.model.head
    assert head.weight.grad is not None
    assert head.weight.grad.isfinite().all()
    assert head.weight.grad.abs().sum() > 0


@pytest.mark.parametrize(
    "backbone", ["vit_tiny_patch16_224", "convnext_atto", "mobilenetv3_small_050"]
)
def test_backbones_without_maps_before_the_head_are_refused(backbone):
    with pytest.raises(ConfigError, match=r"boost.*leave out --head\.$"):
        build_classifier(backbone, 4, (3, 224, 224), alpha=5)


def test_features_are_refused():
    with pytest.raises(ConfigError, match="features, which have no places"):
        build_classifier("none", 3, (7,), mean=[0.0] * 7, std=[1.0] * 7, alpha=5)


def test_a_run_with_it(largeloss, image_folder, tmp_path):
    run, again = tmp_path / "run", tmp_path / "again"
    command = ["train", image_folder, *SMALL, "--head", "boost", "--set", "model.dropout=0.3"]
    code, _, err = largeloss(*command, "--out", run)
    assert code == 0, err
    network = yaml.safe_load((run / "config.yaml").read_text())["model"]
    assert (network["head"], network["alpha"]) == ("boost", 5)
    assert json.loads((run / "best/config.json").read_text())["architecture"]["alpha"] == 5
    model = load(run).network
    torch.testing.assert_close(
        model.class_activation_maps(images()).mean(dim=(2, 3)), model(images()).logits
    )
    code, out, err = largeloss("evaluate", run)
    assert code == 0, err
    result = json.loads((run / "result.json").read_text())
    assert f"{result['test_map']:.1f}" in out
    name = "images/00.png"
    code, _, err = largeloss("analyze", "cam", run, "--image", name, "--out", tmp_path / "cam.png")
    assert code == 0, err
    code, _, err = largeloss(*command, "--alpha", "1", "--out", again)
    assert code == 0, err
    assert json.loads((again / "best/config.json").read_text())["architecture"]["alpha"] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--head", "boost", "--protocol", "linear"],
            "and --protocol linear trains a head",
        ),
        (["--head", "boost", "--protocol", "linear-init"], "--protocol linear-init trains a head"),
        (["--head", "boost", "--method", "imcl"], "imcl computes logits of its own from pooled"),
        (["--alpha", "5"], "alpha is of the head 'boost': add --head boost"),
        (["--head", "boost", "--alpha", "0"], "alpha"),
        (["--head", "best"], "head"),
    ],
)
def test_what_does_not_go_together(largeloss, image_folder, tmp_path, options, message):
    out = tmp_path / "run"
    code, _, err = largeloss("train", image_folder, *SMALL, *options, "--out", out)
    assert code == 2
    assert message in " ".join(err.split())
    assert not out.exists()
