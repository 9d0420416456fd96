"""Exports: the scores of ``predict``, or nothing; no target is overwritten or half-written."""

import csv
import json
import shutil
import zipfile
from importlib.util import find_spec

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image

import largeloss as library
from conftest import write_image_folder
from largeloss import cli
from largeloss.data.folder.read import write_features
from largeloss.export import formats, write
from largeloss.export.model_card import plain
from largeloss.export.parity import expected_scores
from largeloss.files import PARTIAL

SMALL = [
    "--backbone", "digits", "--image-size", "16", "--epochs", "2", "--batch-size", "6", "--lr",
    "1e-3", "--workers", "0", "--method", "an",
]  # fmt: skip
BAD = '<img src=x onerror=alert(1)>|[a](b) "c"'


def done(*arguments):
    assert cli.run([str(argument) for argument in arguments]) == 0


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Calibrated, with a class whose name is an attack, and one that is never tagged."""
    folder = tmp_path_factory.mktemp("export")
    data = write_image_folder(folder / "data", num=60)
    lines = (data / "labels.csv").read_text().splitlines()
    quoted = BAD.replace('"', '""')
    text = [f"{lines[0].replace('blue', f'{chr(34)}{quoted}{chr(34)}')},never"]
    text += [f"{line},{0 if ',train,' in line else row % 2}" for row, line in enumerate(lines[1:])]
    (data / "labels.csv").write_text("\n".join(text) + "\n")
    done("train", data, *SMALL, "--out", folder / "run")
    done("thresholds", folder / "run", "--aim", "recall=0.8")
    return folder / "run"


@pytest.fixture(scope="module")
def feature_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export-features")
    stream = np.random.default_rng(0)
    truth = stream.integers(0, 2, (90, 2))
    names = [f"{row}.jpg" for row in range(90)]
    (folder / "data").mkdir()
    lines = [
        f"{name},{('train', 'val', 'test')[row % 3]},{truth[row, 0]},{truth[row, 1]}"
        for row, name in enumerate(names)
    ]
    (folder / "data/labels.csv").write_text("image,split,a,b\n" + "\n".join(lines) + "\n")
    values = torch.tensor(truth + 0.3 * stream.normal(size=(90, 2))).float()
    write_features(folder / "data/features.safetensors", values, names)
    done("train", folder / "data", "--epochs", "2", "--workers", "0", "--method", "an",
         "--set", "model.hidden=4", "--out", folder / "run")  # fmt: skip
    return folder / "run"


@pytest.fixture(scope="module")
def onnx_file(run):
    """One export to ONNX for all tests: it takes seconds."""
    done("export", run, "--to", "onnx", "--out", run.parent / "model.onnx")
    return run.parent / "model.onnx"


@pytest.fixture(scope="module")
def hub(run):
    done("export", run, "--to", "hub-folder", "--out", run.parent / "hub")
    return run.parent / "hub"


def predicted(run, images, out):
    done("predict", run, images, "--out", out, "--workers", "0")
    with out.open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [row[0] for row in rows], np.array([row[2:] for row in rows], dtype=float)


def test_onnx_gives_the_scores_of_predict_whatever_the_batch(run, onnx_file, tmp_path):
    paths, expected = predicted(run, run.parent / "data/images", tmp_path / "scores.csv")
    session = onnxruntime.InferenceSession(onnx_file, providers=["CPUExecutionProvider"])
    model = library.load(run)
    inputs = np.stack([model.preprocess(path).numpy() for path in paths])
    for size in (1, 7, len(inputs)):
        (found,) = session.run(None, {"images": inputs[:size]})
        np.testing.assert_allclose(found, expected[:size], atol=1e-4)
    with Image.open(paths[0]) as image:  # as docs/guides/export.md does, without torch
        small = image.convert("RGB").resize((16, 16), Image.Resampling.BILINEAR)
    by_pillow = np.asarray(small).transpose(2, 0, 1)
    assert np.abs(by_pillow.astype(int) - inputs[0]).max() <= 1


def test_what_a_program_must_know_is_in_the_file_and_beside_it(run, onnx_file):
    session = onnxruntime.InferenceSession(onnx_file, providers=["CPUExecutionProvider"])
    held = session.get_modelmeta().custom_metadata_map
    beside = json.loads(onnx_file.with_name("model.onnx.json").read_text())
    model = library.load(run)
    assert model.thresholds["never"] is None
    for name in ("classes", "thresholds", "input"):
        assert json.loads(held[name]) == beside[name]
    assert beside["thresholds"] == model.thresholds
    assert beside["classes"] == ["red", BAD, "never"]
    assert beside["input"]["preprocessing"]["size"] == [16, 16]
    assert beside["output"]["meaning"] == "calibrated probabilities"
    assert beside["parity"]["greatest_difference"] <= 1e-4


def test_a_model_of_features(feature_run, tmp_path, largeloss):
    target = tmp_path / "model.onnx"
    code, out, err = largeloss("export", feature_run, "--to", "onnx", "--out", target)
    assert code == 0, err
    assert "30 inputs" in out
    session = onnxruntime.InferenceSession(target, providers=["CPUExecutionProvider"])
    values = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    (found,) = session.run(None, {"features": values})
    model = library.load(feature_run)
    with torch.no_grad():
        expected = model.scores(model(torch.from_numpy(values)))
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-6)
    code, _, err = largeloss(
        "export",
        feature_run,
        "--to",
        "torch-export",
        "--out",
        tmp_path / "m.pt2",
        "--images",
        tmp_path,
    )
    assert (code, "trained on features" in err) == (2, True)


def test_torch_export_is_loaded_with_classes_and_thresholds(run, tmp_path):
    trained = library.Run.read(run)
    found = trained.export("torch-export", tmp_path / "model.pt2", [run.parent / "data/images"])
    assert found.num_inputs == 60
    assert found.difference <= 1e-4
    more = {"classes": ""}
    program = torch.export.load(tmp_path / "model.pt2", extra_files=more).module()
    assert json.loads(more["classes"]) == ["red", BAD, "never"]
    inputs = torch.randint(0, 256, (5, 3, 16, 16), dtype=torch.uint8)
    with torch.no_grad():
        expected = trained.model.scores(trained.model(inputs))
    torch.testing.assert_close(program(inputs).double(), expected, atol=1e-6, rtol=0)


def test_a_hub_folder_is_loaded_by_its_path_with_the_same_scores(run, hub, tmp_path):
    assert sorted(path.name for path in hub.iterdir()) == [
        "README.md", "config.json", "model.safetensors",
    ]  # fmt: skip
    images = run.parent / "data/images"
    for one, other in zip(
        predicted(run, images, tmp_path / "a.csv"), predicted(hub, images, tmp_path / "b.csv"),
        strict=True,
    ):  # fmt: skip
        np.testing.assert_array_equal(one, other)
    assert library.load(hub).thresholds == library.load(run).thresholds


def test_the_card_says_what_was_measured_and_names_are_inert(run, hub):
    card = (hub / "README.md").read_text()
    result = library.Run.read(run)
    assert f"Test mAP {result.test_mean.lead:.1f} %" in card
    assert "recall=0.8" in card
    assert "Never tagged, since no training image had the tag: never." in card
    assert "complete labels" in card
    assert "<img" not in card
    assert "[a]" not in card
    assert plain(BAD) in card
    assert plain("__init__ 2.5") == "&#95;&#95;init&#95;&#95; 2.5"
    assert str(run.parent) not in card
    rows = [line for line in card.splitlines() if line.startswith("| ")]
    assert {line.count("|") for line in rows} == {7}


def test_a_hub_folder_has_no_data_to_compare_on(hub, run, tmp_path, largeloss):
    out = tmp_path / "model.pt2"
    code, _, err = largeloss("export", hub, "--to", "torch-export", "--out", out)
    assert (code, "--images FOLDER" in err) == (2, True)
    code, _, err = largeloss("export", hub, "--to", "hub-folder", "--out", tmp_path / "again")
    assert (code, "needs the result of a finished run" in err) == (2, True)
    images = run.parent / "data/images"
    code, _, err = largeloss(
        "export", hub, "--to", "torch-export", "--out", out, "--images", images
    )
    assert code == 0, err


@pytest.mark.parametrize(
    ("to", "out", "message"),
    [
        ("onnx", "here.onnx", "exists"),
        ("onnx", "beside.onnx", "beside.onnx.json exists"),
        ("torch-export", "model.onnx", "must end in .pt2"),
        ("hub-folder", "folder", "exists"),
        ("tflite", "model.tflite", "there are onnx"),
        ("onnx", "nowhere/model.onnx", "does not exist"),
    ],
)
def test_targets_that_exist_and_other_formats_are_refused(
    run, largeloss, tmp_path, to, out, message
):
    (tmp_path / "here.onnx").write_text("mine")
    (tmp_path / "beside.onnx.json").write_text("mine")
    (tmp_path / "folder").mkdir()
    code, _, err = largeloss("export", run, "--to", to, "--out", tmp_path / out)
    assert (code, message in err) == (2, True)
    assert (
        (tmp_path / "here.onnx").read_text()
        == (tmp_path / "beside.onnx.json").read_text()
        == "mine"
    )


def test_a_missing_package_is_named(run, largeloss, tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "find_spec", lambda n: None if n == "onnx" else find_spec(n))
    code, _, err = largeloss("export", run, "--to", "onnx", "--out", tmp_path / "model.onnx")
    assert (code, "pip install 'largeloss[export]'" in err) == (2, True)


@pytest.mark.parametrize("to", ["torch-export", "hub-folder"])
@pytest.mark.parametrize("fault", ["other scores", "Ctrl-C"])
def test_other_scores_and_an_interrupt_leave_nothing(
    run, largeloss, tmp_path, monkeypatch, to, fault
):
    def wrong(model, inputs):
        if fault == "Ctrl-C":
            raise KeyboardInterrupt
        return np.full((len(inputs), 3), np.nan)

    if to == "torch-export":
        program = formats.Program(b"", lambda inputs: wrong(None, inputs))
        monkeypatch.setitem(write._PROGRAMS, to, lambda model: program)
    else:
        calls = iter([expected_scores])  # first of the model, then of the folder
        monkeypatch.setattr(
            "largeloss.export.write.expected_scores", lambda *a: next(calls, wrong)(*a)
        )
    out = tmp_path / "model.pt2"
    code, _, err = largeloss("export", run, "--to", to, "--out", out)
    if fault == "Ctrl-C":
        assert (code, f"{out} was not written" in err) == (130, True)
    else:
        assert (code, "gives other scores than predict" in err) == (1, True)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing(run, largeloss, tmp_path, monkeypatch):
    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    code, _, err = largeloss("export", run, "--to", "hub-folder", "--out", tmp_path / "hub")
    assert (code, "could not be written (No space left on device)" in err) == (1, True)
    assert list(tmp_path.iterdir()) == []
    assert not list(run.rglob(f"*{PARTIAL}"))


def test_nothing_pickled_in_what_others_load(run, tmp_path):
    """The program holds tensors as bytes and JSON."""
    library.Run.read(run).export("torch-export", tmp_path / "model.pt2")
    with zipfile.ZipFile(tmp_path / "model.pt2") as archive:
        assert not [name for name in archive.namelist() if name.endswith((".pkl", ".pickle"))]
