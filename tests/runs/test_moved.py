"""A data folder that was moved: its runs go on with the new place, if it holds the same."""

import os
import shutil
from pathlib import Path

import pytest

import largeloss as package
from largeloss.cli import run as run_command
from largeloss.runs.settings import saved_settings

SMALL = (
    "--backbone", "digits", "--image-size", "16", "--epochs", "2", "--workers", "0",
    "--batch-size", "6",
)  # fmt: skip


class Stopped(Exception):
    pass


def raising(*_):
    raise Stopped


def begun(data, out, *more):
    """A run that is stopped after its first epoch."""
    command = ["--debug", "train", str(data), *SMALL, *more, "--out", str(out)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("largeloss.progress.RunListener.end_epoch", raising)
        with pytest.raises(Stopped):
            run_command(command)


@pytest.mark.parametrize(
    "more", [("--method", "an"), ("--method", "an", "--protocol", "linear-init")]
)
def test_a_run_goes_on_with_its_moved_data_to_the_same_bits(
    image_folder, largeloss, tmp_path, monkeypatch, more
):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(image_folder, "moved")
    begun(image_folder, "cut", *more)
    assert largeloss("train", "moved", *SMALL, *more, "--out", "whole")[0] == 0
    shutil.rmtree(image_folder)
    code, _, err = largeloss("train", "--resume", "--out", "cut")
    assert code == 2
    assert "'largeloss train NEW --resume --out RUN'" in err
    code, _, err = largeloss("train", "moved", "--resume", "--out", "cut")
    assert code == 0, err
    assert "moved holds the same data: cut goes on with it" in " ".join(err.split())
    weights = [Path(name, "best/model.safetensors").read_bytes() for name in ("cut", "whole")]
    assert weights[0] == weights[1]
    assert saved_settings(Path("cut")).data.path == tmp_path / "moved"
    assert largeloss("evaluate", "cut")[0] == 0


def change_label(data):
    file = data / "labels.csv"
    lines = file.read_text().splitlines()
    lines[1] = lines[1][:-1] + str(1 - int(lines[1][-1]))
    file.write_text("\n".join(lines) + "\n")


def change_image(data):
    shutil.copy(data / "images/01.png", data / "images/00.png")


@pytest.mark.parametrize(
    ("change", "message"),
    [(change_label, "the training labels are others"), (change_image, "the inputs are others")],
)
@pytest.mark.parametrize("finished", [False, True])
def test_other_data_are_refused_with_what_differs(
    image_folder, largeloss, tmp_path, change, message, finished
):
    run, other = tmp_path / "run", Path(shutil.copytree(image_folder, tmp_path / "other"))
    if finished:
        assert largeloss("train", image_folder, *SMALL, "--method", "an", "--out", run)[0] == 0
    else:
        begun(image_folder, run, "--method", "an")
    change(other)
    before = (run / "config.yaml").read_bytes()
    code, _, err = largeloss("train", other, "--resume", "--out", run)
    assert code == 2
    assert message in " ".join(err.split())
    assert (run / "config.yaml").read_bytes() == before
    code, _, err = largeloss("train", other, "--resume", "--epochs", "9", "--out", run)
    assert code == 2
    assert "training.epochs: 2 → 9" in err


def test_a_finished_run_is_told_where_its_data_are(small_run, largeloss, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(small_run, "run")
    shutil.copytree(small_run.parent / "data", "new")
    package.train("new", out="run", resume=True, progress=False)
    assert saved_settings(Path("run")).data.path == tmp_path / "new"
    shutil.move("new", "newer")
    for command in (
        ("evaluate", "run"),
        ("suggest", "run"),
        ("thresholds", "run"),
        ("labels", "log", "run"),
        ("labels", "export", "run", "--to", "wide", "--out", "copy.csv"),
    ):
        code, _, err = largeloss(*command)
        assert code == 2, command
        assert "'largeloss train NEW --resume --out RUN'" in " ".join(err.split()), command
    assert largeloss("train", "newer", "--resume", "--out", "run")[0] == 0
    assert largeloss("suggest", "run")[0] == 0


def test_a_run_that_has_saved_nothing_is_not_moved(image_folder, largeloss, tmp_path):
    run, moved = tmp_path / "run", shutil.copytree(image_folder, tmp_path / "moved")
    begun(image_folder, run, "--method", "an")
    shutil.rmtree(run / "last")
    code, _, err = largeloss("train", moved, "--resume", "--out", run)
    assert code == 2
    assert "has saved no epoch of it yet" in " ".join(err.split())


def test_a_comparison_goes_on_with_its_moved_data(image_folder, largeloss, tmp_path):
    shared = (*SMALL, "--seeds", "1", "--out", tmp_path / "both", "--methods")
    assert largeloss("compare", image_folder, *shared, "an")[0] == 0
    os.rename(image_folder, tmp_path / "moved")
    code, _, err = largeloss("compare", tmp_path / "moved", *shared, "an,ll-r")
    assert code == 0, err
    assert saved_settings(tmp_path / "both/an-seed0").data.path == tmp_path / "moved"
