"""A data folder that was moved: its runs go on with the new place, if it holds the same."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import largeloss as package
from largeloss.cli import run as run_command
from largeloss.data.inputs.image_files import ImageFiles
from largeloss.runs.settings import saved_settings
from largeloss.training.run_folder import RunFolder

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


BY_RANK = """
import os, sys, time
from pathlib import Path

from largeloss.cli import run
from largeloss.data.inputs.image_files import ImageFiles
from largeloss.runs import moved

first, when, out = os.environ["RANK"] == "0", sys.argv[1], Path(sys.argv[-1])
before, hashed = (out / "config.yaml").read_bytes(), []
read, fingerprint = moved.saved_settings, ImageFiles.fingerprint

def slow(*arguments):
    if when == "before":
        time.sleep(3)
    found = read(*arguments)
    until = time.monotonic() + 3
    while when == "after" and (out / "config.yaml").read_bytes() == before:
        if time.monotonic() > until:
            break
    return found

def counted(self, rows):
    hashed.append(1)
    return fingerprint(self, rows)

if not first:
    moved.saved_settings = slow
ImageFiles.fingerprint = counted
code = run(sys.argv[2:])
(out / ("hashed-0" if first else "hashed-1")).write_text(str(len(hashed)))
sys.exit(code)
"""


@pytest.mark.parametrize("slow", ["before", "after"])
def test_the_first_of_several_processes_moves_a_run(image_folder, tmp_path, slow):
    """Another one is slow before, or after, it has read the settings that the first writes."""
    script, run = tmp_path / "by_rank.py", tmp_path / "run"
    begun(image_folder, run, "--method", "an")
    os.rename(image_folder, tmp_path / "moved")
    script.write_text(BY_RANK)
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2",
         script, slow, "train", tmp_path / "moved", "--resume", "--out", run],
        capture_output=True, text=True, timeout=200, check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert saved_settings(run).data.path == tmp_path / "moved"
    assert (run / "result.json").is_file()
    # training looks at them in every process
    assert [(run / f"hashed-{rank}").read_text() for rank in (0, 1)] == ["2", "1"]


def test_other_data_are_refused_by_every_process(image_folder, tmp_path):
    script, run = tmp_path / "by_rank.py", tmp_path / "run"
    begun(image_folder, run, "--method", "an")
    change_image(image_folder)
    os.rename(image_folder, tmp_path / "moved")
    script.write_text(BY_RANK)
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2",
         script, "after", "train", tmp_path / "moved", "--resume", "--out", run],
        capture_output=True, text=True, timeout=200, check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode != 0
    assert "the inputs are others" in " ".join(done.stderr.split())
    assert "Unexpected" not in done.stderr


def test_a_run_that_another_process_trains_is_not_moved(image_folder, largeloss, tmp_path):
    run = tmp_path / "run"
    begun(image_folder, run, "--method", "an")
    os.rename(image_folder, tmp_path / "moved")
    before = (run / "config.yaml").read_bytes()
    with RunFolder(run):
        code, _, err = largeloss("train", tmp_path / "moved", "--resume", "--out", run)
    assert code == 2
    assert "Another process is writing to" in err
    assert (run / "config.yaml").read_bytes() == before


def test_runs_of_a_comparison_have_their_moved_images_looked_at_once(
    image_folder, largeloss, tmp_path, monkeypatch
):
    shared = (*SMALL, "--observe", "single-positive", "--vary-labels", "--seeds", "2")
    more = ("--methods", "an,ll-r", "--out", tmp_path / "both")
    assert largeloss("compare", image_folder, *shared, *more)[0] == 0
    os.rename(image_folder, tmp_path / "moved")
    looked, fingerprint = [], ImageFiles.fingerprint

    def counted(self, rows):
        looked.append(1)
        return fingerprint(self, rows)

    monkeypatch.setattr(ImageFiles, "fingerprint", counted)
    code, _, err = largeloss("compare", tmp_path / "moved", *shared, *more)
    assert code == 0, err
    assert len(looked) == 1
