"""``import largeloss``: train, look, predict, compare from Python; errors; nothing left behind."""

import inspect
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import largeloss
from largeloss.cli import run as command
from largeloss.config import make_config
from largeloss.config.flat import flat_names
from largeloss.errors import ConfigError, DataError, Interrupted, LargelossError
from largeloss.experiments.worth import Worth

SMALL: dict[str, Any] = {
    "backbone": "digits", "image_size": 16, "batch_size": 4, "lr": 1e-3, "workers": 0,
    "epochs": 2, "observe": "single-positive", "progress": False,
}  # fmt: skip
AS_OPTIONS = (
    "--backbone", "digits", "--image-size", "16", "--batch-size", "4", "--lr", "1e-3", "--workers",
    "0", "--epochs", "2", "--observe", "single-positive",
)  # fmt: skip


@pytest.fixture
def trained(image_folder, tmp_path):
    return largeloss.train(image_folder, out=tmp_path / "run", track_test=True, **SMALL)


def figures(folder: Path) -> dict:
    """What a run wrote, but for times and places."""
    result = json.loads((folder / "result.json").read_text())
    lines = (folder / "metrics.csv").read_text().splitlines()
    dropped = ("seconds", "wall_seconds", "sha256", "sha256_of", "environment")
    kept = {name: value for name, value in result.items() if name not in dropped}
    return kept | {"curve": [line.rsplit(",", 1)[0] for line in lines]}


def test_training_is_that_of_the_command_line(image_folder, tmp_path):
    run = largeloss.train(image_folder, out=tmp_path / "python", method="ll-ct", **SMALL)
    out = tmp_path / "command"
    assert command(["train", str(image_folder), *AS_OPTIONS, "--method", "ll-ct", "--out",
                    str(out)]) == 0  # fmt: skip
    assert figures(tmp_path / "python") == figures(out)
    assert run.settings.plain() == largeloss.Run.read(out).settings.plain()


def test_a_run_has_its_figures_its_report_and_its_model(trained, tmp_path):
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert trained.test_map == result["test_map"]
    assert trained.test_ap["red"] == result["test_ap"]["red"]
    assert trained.path == tmp_path / "run"
    assert trained.report.read_text().startswith("<!doctype html>")
    assert set(trained.curves) == {"val", "test"}
    assert len(trained.curves["val"]) == 2
    drawn = trained.plot_curves()
    assert {"val", "test"} <= {text.get_text() for text in drawn.axes[0].texts}
    assert drawn._repr_png_().startswith(b"\x89PNG")
    history = trained.history.to_arrow().to_pydict()
    assert history["epoch"] == [0, 1]
    assert history["val_map"] == pytest.approx(trained.curves["val"])
    per_class = trained.per_class.to_arrow().to_pydict()
    assert dict(zip(per_class["class"], per_class["ap"], strict=True)) == trained.test_ap
    assert per_class["present"] == [trained.test_counts[name][0] for name in trained.test_ap]
    assert "<td>0</td>" in trained.history._repr_html_()
    assert trained.audit is None
    table = trained._repr_html_()
    assert "<td>red</td>" in table
    assert f"test mAP {trained.test_map:.1f} %" in table
    counts = {"red": [4, 0, 2], "blue": [0, 0, 6]}
    assert replace(trained, test_counts=counts).per_class.to_arrow()["ap"].to_pylist() == [None] * 2
    table = replace(trained, test_counts=counts)._repr_html_()
    assert "<td>red</td><td>not measurable: nowhere absent</td><td>4</td>" in table
    assert "<td>blue</td><td>not measurable: nowhere present</td>" in table
    for blank in ([4, 0, 2], [4, 2, 0]):  # now, and in files of earlier versions
        counts = {"red": blank, "blue": blank}
        table = replace(trained, test_counts=counts, test_rule="assume-absent")._repr_html_()
        assert "not measurable" not in table
        assert "".join(f"<td>{number}</td>" for number in blank) in table
    assert trained.model.classes == ("red", "blue")
    assert largeloss.Run.read(tmp_path / "run").test_ap == trained.test_ap


def test_the_model_is_a_module_with_all_that_it_needs(trained, image_folder):
    model = largeloss.load(trained.path)
    assert isinstance(model, torch.nn.Module)
    assert set(model.thresholds) == {"red", "blue"}
    file = image_folder / "images/03.png"
    inputs = model.preprocess(file)
    assert inputs.dtype == torch.uint8
    assert inputs.shape == (3, 16, 16)
    with torch.no_grad():
        scores = model(inputs[None]).sigmoid()[0]
    (found,) = model.predict(file)
    assert found.image == str(file)
    assert list(found.scores.values()) == pytest.approx(scores.tolist())
    limits = {name: limit for name, limit in model.thresholds.items() if limit is not None}
    assert all(0 < limit < 1 for limit in limits.values())
    over = {name for name, limit in limits.items() if found.scores[name] > limit}
    assert set(found.tags) == over


def test_what_names_no_images_is_refused(trained):
    pixels = np.zeros((20, 24, 3), np.uint8)
    for wrong in (3, None, b"new/", [Image.fromarray(pixels)], pixels):
        with pytest.raises(DataError, match=r"Needed is a path .*model\.preprocess\(pixels\)"):
            trained.model.predict(wrong)
    model = trained.model
    assert model.scores(model(model.preprocess(pixels)[None])).shape == (1, 2)


def test_only_pixels_that_the_model_knows_are_preprocessed(trained):
    model, pixels = trained.model, np.zeros((20, 24, 3), np.uint8)
    pixels[:, :9] = 200
    for wrong, found in (
        (np.float32(pixels / 255), r"shape \(20, 24, 3\) and dtype float32"),
        (pixels[..., 0], r"shape \(20, 24\) and"),
        (pixels.transpose(2, 0, 1), r"shape \(3, 20, 24\) and"),
        (pixels[:0], r"shape \(0, 24, 3\) and"),
        (torch.from_numpy(pixels), "got Tensor. Pixels are a NumPy array"),
    ):
        with pytest.raises(DataError, match=found):
            model.preprocess(wrong)
    mirrored = pixels[:, ::-1]
    assert torch.equal(model.preprocess(mirrored), model.preprocess(mirrored.copy()))
    pixels.flags.writeable = False
    assert model.preprocess(pixels).shape == (3, 16, 16)


def test_a_run_that_is_not_there_or_not_finished_is_refused(trained, tmp_path):
    with pytest.raises(ConfigError, match=r"There is no run in .*moved"):
        largeloss.Run.read(tmp_path / "moved")
    cut = shutil.copytree(trained.path, tmp_path / "cut")
    (cut / "result.json").unlink()
    with pytest.raises(ConfigError, match=r"is not finished.*resume=True\) goes on with it"):
        largeloss.Run.read(cut)


def test_long_results_are_shown_in_a_line(trained, image_folder):
    shown = repr(trained.model.predict(image_folder))
    assert shown.startswith("<Predictions for 30 images, 2 classes: computed")
    suggestions = trained.suggestions()
    assert f"Suggestions: {len(suggestions)} entries, the most" in repr(suggestions)
    assert max(map(len, (shown, repr(suggestions)))) < 200


def test_predictions_stream(trained, image_folder, monkeypatch):
    """Each image is decoded once, when its batch is wanted."""
    from largeloss.data.inputs import image_files

    decoded, original = [], image_files.open_pixels

    def open_pixels(path, *arguments):
        decoded.append(path)
        return original(path, *arguments)

    monkeypatch.setattr(image_files, "open_pixels", open_pixels)
    predictions = largeloss.predict(trained.path, image_folder, batch_size=8, workers=0)
    assert len(predictions) == 30
    assert not decoded
    assert "30 images" in predictions._repr_html_()
    assert not decoded
    assert predictions.forward is not None  # chosen by a sample of the images, once
    decoded.clear()
    assert next(iter(predictions)).image.endswith("00.png")
    assert decoded == list(predictions.images[:8])
    decoded.clear()
    assert [one.image for one in predictions] == [str(path) for path in predictions.images]
    assert decoded == list(predictions.images)
    table = predictions.to_arrow()
    assert table.column_names == ["image", "tags", "red", "blue"]
    for row, one in zip(table.to_pylist(), predictions, strict=True):
        assert (row["image"], tuple(row["tags"])) == (one.image, one.tags)
        assert row["red"] == pytest.approx(one.scores["red"])


@pytest.mark.parametrize("workers", [0, 2])
def test_images_that_cannot_be_read_are_named(trained, image_folder, workers):
    options = {"batch_size": 5, "workers": workers}
    (image_folder / "images/07.png").write_bytes(b"no image")
    predictions = largeloss.predict(trained.path, str(image_folder), **options)
    seen = []
    with pytest.raises(DataError, match=r"07\.png: cannot be decoded as an image"):
        seen += [one.image for one in predictions]  # the batches before are given
    predictions = largeloss.predict(trained.path, [str(image_folder)], bad_images="skip", **options)
    names = [one.image for one in predictions]
    assert len(predictions) == 30
    assert names == [str(path) for path in predictions.images if path.name != "07.png"]
    assert list(predictions.skipped) == [str(image_folder / "images/07.png")]
    with pytest.raises(ConfigError, match="error or skip"):
        largeloss.predict(trained.path, image_folder, bad_images="drop")


def test_images_none_of_which_can_be_read(trained, tmp_path):
    (tmp_path / "a.png").write_bytes(b"no image")
    predictions = largeloss.predict(trained.path, tmp_path / "a.png", bad_images="skip", workers=0)
    with pytest.raises(DataError, match=r"1 of 1 images cannot be read(.|\n)*a\.png"):
        list(predictions)


def test_evaluation_is_that_of_the_run(trained, image_folder):
    found = largeloss.evaluate(trained.path)
    assert found.map == pytest.approx(trained.test_map)
    assert found.ap == pytest.approx(trained.test_ap)
    assert found.num_images == 6
    assert "<td>blue</td>" in found._repr_html_()
    other = largeloss.evaluate(trained.path, image_folder, split="val")
    assert other.split == "val"
    assert other.map == pytest.approx(max(trained.curves["val"]))


def test_groups_of_classes_are_measured(trained):
    found = largeloss.evaluate_groups(trained.path, groups=2, backend="torch")
    assert found.num_entries == 12
    assert found.ap == pytest.approx(trained.test_ap)
    assert sorted(found.members.values()) == [1, 2]
    ap = {found.members[name]: 100 * trained.test_ap[name] for name in found.members}
    by_group = [ap[1], ap[2]]
    assert list(found.measured.groups) == pytest.approx(by_group)
    assert f"<td>G2</td><td>{by_group[1]:.1f}</td>" in found._repr_html_().replace("\n", "")
    with pytest.raises(ConfigError, match="groups"):
        largeloss.evaluate_groups(trained.path, groups=3)


def test_methods_are_compared_and_finished_runs_kept(image_folder, tmp_path):
    arguments: dict[str, Any] = {
        "methods": ["an", "ll-r:5"],
        "seeds": 2,
        "out": tmp_path / "both",
        **SMALL,
    }
    found = largeloss.compare(image_folder, **arguments)
    assert [(line.method, line.delta_rel) for line in found.summary] == [("an", None), ("ll-r", 5)]
    assert len(found.runs) == len(found.folders) == 4
    assert largeloss.Run.read(found.folders[1]).test_map == found.runs[1].test_map
    assert found.report.is_file()
    assert "<td>LL-R</td>" in found._repr_html_()
    assert "Test was measured by complete labels." in found._repr_html_()
    rows = found.to_arrow().to_pylist()
    assert [(row["method"], row["delta_rel"]) for row in rows] == [("an", None), ("ll-r", "5.0")]
    assert rows[0]["mean"] == found.summary[0].mean
    assert rows[0]["worth"] is rows[0]["worth_beyond"] is None
    worthy = replace(found, summary=(replace(found.summary[0], worth=Worth(0.2, "below")),))
    assert worthy.to_arrow().to_pylist()[0]["worth_beyond"] == "below"
    drawn = [text.get_text() for text in found.plot().axes[0].texts]
    assert {"Naive AN", "LL-R Δ 5 %"} <= set(drawn)
    with pytest.raises(ConfigError, match="compare with complete="):
        found.plot_worth()
    written = (found.folders[0] / "result.json").stat().st_mtime_ns
    again = largeloss.compare(image_folder, **arguments)
    assert again.runs == found.runs
    assert (found.folders[0] / "result.json").stat().st_mtime_ns == written


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epoch": 3}, "There is no setting 'epoch'; did you mean 'epochs'"),
        ({"epochs": 0}, "training.epochs"),
        ({"method": "ll-x"}, "There is no method 'll-x'"),
        ({"method": "ll-r", "rule": "share"}, "There is no setting 'rule'"),
        ({"delta_rel": 200}, "less than or equal to 100"),
        ({"preset": "voc2012/none"}, "There is no preset 'voc2012/none'"),
        ({"config": "nowhere.yaml"}, "There is no settings file"),
        ({"backbone": "resnet-50"}, "timm has no backbone 'resnet-50'"),
    ],
)
def test_wrong_settings_are_exceptions_that_explain(image_folder, tmp_path, settings, message):
    with pytest.raises(ConfigError, match=message):
        largeloss.train(image_folder, out=tmp_path / "run", **(SMALL | settings))
    assert not (tmp_path / "run").exists()


def test_what_is_missing_is_named(tmp_path, image_folder):
    with pytest.raises(ConfigError, match="Data is needed"):
        largeloss.train(out=tmp_path / "run")
    with pytest.raises(DataError, match="does not exist"):
        largeloss.train(tmp_path / "nowhere", out=tmp_path / "run", **SMALL)
    with pytest.raises(ConfigError, match="There is no run in"):
        largeloss.train(out=tmp_path / "run", resume=True)
    with pytest.raises(ConfigError, match="There is no trained model"):
        largeloss.load(tmp_path)
    with pytest.raises(ConfigError, match="compare decides seed itself"):
        largeloss.compare(image_folder, out=tmp_path / "both", seed=3)
    with pytest.raises(AttributeError, match="has no attribute 'trian'"):
        largeloss.trian  # noqa: B018  # reading the attribute is what is tested


def test_settings_of_the_method_alone(image_folder, tmp_path):
    settings = SMALL | {"method": "curriculum", "rule": "share", "limit": 0.2}
    run = largeloss.train(image_folder, out=tmp_path / "run", **settings)
    assert run.settings.method.given() == {"rule": "share", "limit": 0.2}


def test_settings_come_in_layers(image_folder, tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text("training: {epochs: 1, seed: 5}\nmethod: {name: an}\n")
    small = {name: value for name, value in SMALL.items() if name != "epochs"}
    run = largeloss.train(image_folder, out=tmp_path / "one", config=file, seed=6, **small)
    assert (run.method, run.seed, len(run.curves["val"])) == ("an", 6, 1)
    config = make_config([{"method": {"name": "wan"}, "training": {"epochs": 1}}])
    run = largeloss.train(image_folder, out=tmp_path / "two", config=config, **small)
    assert (run.method, len(run.curves["val"])) == ("wan", 1)


def test_twice_in_one_process_with_other_precision_data_and_method(
    image_folder, make_image_folder, tmp_path
):
    alone = largeloss.train(image_folder, out=tmp_path / "alone", **SMALL)
    half = largeloss.train(
        make_image_folder(num=20), out=tmp_path / "half", **(SMALL | {"precision": "bf16"}),
        method="role",
    )  # fmt: skip
    again = largeloss.train(image_folder, out=tmp_path / "again", **SMALL)
    assert half.settings.training.precision == "bf16"
    assert half.test_map != alone.test_map
    assert figures(alone.path) == figures(again.path)


def test_nothing_is_left_behind(image_folder, tmp_path, capsys):
    stream = torch.get_rng_state()
    numbers = np.random.get_state(legacy=False)["state"]["key"].copy()
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    threads, filters = torch.get_num_threads(), list(warnings.filters)
    mode = torch.get_deterministic_debug_mode()
    largeloss.train(image_folder, out=tmp_path / "run", **SMALL)
    assert torch.equal(torch.get_rng_state(), stream)
    assert np.array_equal(np.random.get_state(legacy=False)["state"]["key"], numbers)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    assert (torch.get_num_threads(), list(warnings.filters)) == (threads, filters)
    assert torch.get_deterministic_debug_mode() == mode
    assert torch.is_grad_enabled()
    assert capsys.readouterr() == ("", "")


def test_accelerate_is_free_for_the_caller(image_folder, tmp_path):
    """A caller's own Accelerator may have another precision, before and after."""
    code = (
        "import sys, largeloss; from accelerate import Accelerator; "
        "largeloss.train(sys.argv[1], out=sys.argv[2], backbone='digits', image_size=16, epochs=1, "
        "workers=0, observe='single-positive', progress=False); "
        "assert Accelerator(mixed_precision='bf16', cpu=True).mixed_precision == 'bf16'; "
        "run = largeloss.train(sys.argv[1], out=sys.argv[3], backbone='digits', image_size=16, "
        "epochs=1, workers=0, observe='single-positive', progress=False); "
        "assert run.settings.training.precision == 'fp32'; "
        "assert run.test_map == largeloss.Run.read(sys.argv[2]).test_map"
    )
    places = [str(image_folder), str(tmp_path / "one"), str(tmp_path / "two")]
    result = subprocess.run([sys.executable, "-c", code, *places], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_progress_is_shown_or_not(image_folder, tmp_path, capsys):
    largeloss.train(image_folder, out=tmp_path / "run", **(SMALL | {"progress": True}))
    out, err = capsys.readouterr()
    assert out.count("val mAP") == 2
    assert "Note: The best epoch is chosen on val" in err


def test_an_interrupt_saves_raises_and_is_resumed_to_the_same_figures(image_folder, tmp_path):
    many = SMALL | {"epochs": 60, "checkpoint_every": 1, "stop_below": None}
    whole = largeloss.train(image_folder, out=tmp_path / "whole", **many)
    state = tmp_path / "cut/last/state.pt"

    def interrupt() -> None:
        while not state.exists():
            pass
        os.kill(os.getpid(), signal.SIGINT)

    watching = threading.Thread(target=interrupt)
    watching.start()
    with pytest.raises(Interrupted, match="resume=True"):
        largeloss.train(image_folder, out=tmp_path / "cut", **many)
    watching.join()
    assert not (tmp_path / "cut/result.json").exists()
    resumed = largeloss.train(out=tmp_path / "cut", resume=True, progress=False)
    assert figures(resumed.path) == figures(whole.path)


def test_importing_is_light():
    code = (
        "import sys, largeloss; "
        "heavy = {'torch', 'timm', 'numpy', 'pyarrow', 'pydantic', 'matplotlib'} "
        "& set(sys.modules); sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("package", ["labels", "losses", "metrics"])
def test_packages_are_imported_when_they_are_used(package):
    code = f"import largeloss; assert largeloss.{package}.__name__ == 'largeloss.{package}'"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_public_names_are_what_they_say():
    assert set(largeloss.__all__) <= set(dir(largeloss))
    for name in largeloss.__all__:
        assert getattr(largeloss, name).__doc__, name
    assert issubclass(ConfigError, LargelossError)


@pytest.mark.parametrize("function", [largeloss.train, largeloss.compare])
def test_every_setting_is_a_documented_argument(function):
    parameters = inspect.signature(function).parameters
    for flat in flat_names():
        assert flat in parameters
        assert f"{flat}: " in function.__doc__
