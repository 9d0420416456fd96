"""One network by several backends: the same scores, and the fastest of those that give them."""

import json
import socket

import pytest
import torch

from largeloss.errors import ConfigError, RunError
from largeloss.forward import BACKENDS, Forward, backends, choice, choose
from largeloss.models import Output, build_classifier
from largeloss.runs.predict.targets import MANIFEST

CONVERTED = [name for name in BACKENDS if name != "torch"]


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return build_classifier("digits", 3, (3, 16, 16)).eval()


@pytest.fixture(scope="module")
def images():
    return torch.randint(0, 256, (9, 3, 16, 16), generator=torch.Generator().manual_seed(0)).byte()


@pytest.fixture(scope="module")
def expected(network, images):
    with torch.no_grad():
        return network(images)


@pytest.fixture
def speeds(monkeypatch):
    """Images a second that are measured, by name; conversions are replaced by torch."""
    found = {"torch fp32": 10.0, "openvino fp32": 20.0, "onnxruntime fp32": 30.0,
             "torch bf16": 10.0, "openvino bf16": 27.0}  # fmt: skip
    monkeypatch.setattr(choice, "_seconds", lambda ways, _: [1 / found[way.name] for way in ways])
    for name in CONVERTED:
        monkeypatch.setattr(backends, f"_{name}", lambda outputs, *_: lambda x: Output(*outputs(x)))
    return found


@pytest.mark.parametrize("backend", CONVERTED)
def test_a_converted_network_gives_what_torch_gives_for_batches_of_any_size(
    backend, network, images, expected, monkeypatch
):
    def refused(*_):
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", refused)  # nor is anybody told
    forward = Forward(network, backend, "fp32")
    for size in (1, 3, 9):
        found = forward(images[:size])
        torch.testing.assert_close(found.logits, expected.logits[:size], rtol=0, atol=1e-4)
        torch.testing.assert_close(found.features, expected.features[:size], rtol=0, atol=1e-4)
        assert torch.equal(forward(images[:size]).logits, found.logits)
    assert all(weight.requires_grad for weight in network.parameters())
    assert network.mean.device.type == "cpu"


def test_a_boosted_head_is_converted_too(images):
    network = build_classifier("digits", 3, (3, 16, 16), alpha=2.0)
    choose(network, images, 9, "openvino", "fp32")  # which compares


def test_torch_in_bfloat16_is_another_precision_than_the_models(network, images, expected):
    found = Forward(network, "torch", "bf16")(images)
    assert found.logits.dtype == torch.float32
    assert not torch.equal(found.features, expected.features)
    assert torch.equal(Forward(network, "torch", "fp32")(images[:4]).logits,
                       network(images[:4]).logits)  # fmt: skip


def test_few_images_are_left_to_torch(network, images, monkeypatch):
    monkeypatch.setattr(backends, "_openvino", lambda *_: pytest.fail("converted"))
    found = choose(network, images, 9)
    assert (found.name, found.remark) == ("torch fp32", "")
    assert choose(network, images[:0], 10**9).name == "torch fp32"  # none can be read


@pytest.mark.parametrize(
    ("total", "asked", "chosen"),
    [
        (99, {}, "torch fp32"),
        (101, {}, "openvino fp32"),
        (5900, {}, "openvino fp32"),  # 295 s by openvino: too little to convert for onnxruntime
        (6100, {}, "onnxruntime fp32"),
        (5900, {"precision": "auto"}, "openvino bf16"),  # 1.35 times as fast as in fp32
        (6100, {"precision": "auto"}, "onnxruntime fp32"),  # which has no bf16
        (2100, {"precision": "bf16"}, "openvino bf16"),
        (2100, {"backend": "torch", "precision": "auto"}, "torch fp32"),
        (2, {"backend": "openvino", "precision": "fp32"}, "openvino fp32"),
    ],
)
def test_the_fastest_that_is_worth_its_conversion(total, asked, chosen, network, images, speeds):
    found = choose(network, images, total, **asked)
    assert found.name == chosen
    if "torch" not in chosen and len(asked) < 2:
        assert f"computed by {found.backend} in {found.precision}, here " in found.remark


@pytest.mark.parametrize(("speed", "chosen"), [(25.9, "fp32"), (26.1, "bf16")])
def test_bfloat16_must_gain_a_third(speed, chosen, network, images, speeds):
    speeds["openvino bf16"] = speed
    assert choose(network, images, 1900, precision="auto").precision == chosen


@pytest.mark.parametrize("wrong", [1e-3, float("nan")])
def test_a_backend_with_other_scores_is_not_used_and_that_is_said(
    wrong, network, images, speeds, monkeypatch
):
    monkeypatch.setattr(
        backends,
        "_openvino",
        lambda outputs, *_: lambda x: Output(*(y + wrong for y in outputs(x))),
    )
    found = choose(network, images, 1900)
    assert found.name == "torch fp32"
    assert "openvino gives other scores or features than torch" in found.remark
    with pytest.raises(RunError, match="Use --backend torch"):
        choose(network, images, 1900, "openvino", "fp32")


def test_a_network_that_cannot_be_converted_is_left_to_torch(network, images, speeds, monkeypatch):
    def fails(*_):
        raise ValueError("no operation\nof this kind")

    monkeypatch.setattr(backends, "_openvino", fails)
    found = choose(network, images, 1900)
    assert found.name == "torch fp32"
    assert "cannot be converted for openvino (ValueError: no operation)." in found.remark


def test_what_cannot_be_is_refused_before_any_work(network, monkeypatch):
    with pytest.raises(ConfigError, match="must be auto, torch, openvino, onnxruntime, got 'tpu'"):
        choice.check_choice("tpu", None)
    with pytest.raises(ConfigError, match="must be auto, fp32 or bf16, got 'int8'"):
        choice.check_choice("auto", "int8")
    with pytest.raises(ConfigError, match="no bf16"):
        choice.check_choice("onnxruntime", "bf16")
    with pytest.raises(ConfigError, match="takes features"):
        Forward(build_classifier("none", 2, (5,), mean=[0] * 5, std=[1] * 5), "openvino", "fp32")
    monkeypatch.setattr(backends, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'largeloss\[fast\]'"):
        choice.check_choice("openvino", None)


def test_shards_go_on_with_the_backend_that_they_were_begun_with(
    largeloss, small_run, tmp_path, monkeypatch
):
    images, out = small_run.parent / "data/images", tmp_path / "parts"
    arguments = ("predict", small_run, images, "--workers", "0", "--shards", "10", "--out", out)
    code, _, err = largeloss(*arguments, "--backend", "openvino")
    assert code == 0, err
    manifest = out / MANIFEST
    assert json.loads(manifest.read_text())["backend"] == "openvino"
    before = (out / "part-00001.parquet").read_bytes()
    (out / "part-00001.parquet").unlink()
    assert largeloss(*arguments, "--resume")[0] == 0  # auto would take torch for thirty images
    assert (out / "part-00001.parquet").read_bytes() == before
    code, _, err = largeloss(*arguments, "--resume", "--backend", "torch")
    assert code == 2
    assert "different are: --backend" in err
