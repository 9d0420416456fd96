"""``train --labels FILE``: the data folder's images with another label file."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import largeloss as library
from largeloss.data import read_folder
from largeloss.errors import DataError
from largeloss.files import read_text
from largeloss.runs.opened import open_run
from largeloss.runs.settings import saved_settings

SMALL = [
    "--backbone", "digits", "--image-size", "16", "--epochs", "2", "--batch-size", "6",
    "--workers", "0", "--method", "an",
]  # fmt: skip


def flipped(folder: Path, file: Path) -> Path:
    """A copy of a folder's labels in which every red is 1."""
    lines = (folder / "labels.csv").read_text().splitlines()
    cells = [line.split(",") for line in lines]
    changed = [",".join([*line[:2], "1", line[3]]) for line in cells[1:]]
    file.write_text("\n".join([lines[0], *changed]) + "\n")
    return file


@pytest.fixture
def corrected(image_folder, tmp_path):
    return flipped(image_folder, tmp_path / "corrected.csv")


def test_a_run_is_trained_and_measured_by_the_file(largeloss, image_folder, corrected, tmp_path):
    run = tmp_path / "run"
    code, _, err = largeloss("train", image_folder, "--labels", corrected, *SMALL, "--out", run)
    assert code == 0, err
    assert saved_settings(run).data.labels == corrected
    result = json.loads((run / "result.json").read_text())
    assert result["train_counts"]["red"][:3] == [18, 0, 0]
    code, _, err = largeloss("evaluate", run, "--out", tmp_path / "own.json")
    assert code == 0, err
    assert json.loads((tmp_path / "own.json").read_text())["counts"]["red"] == [6, 0, 0]
    assert open_run(run).dataset.labels.counts().present[0] == 30
    code, _, err = largeloss("evaluate", run, image_folder, "--out", tmp_path / "other.json")
    assert code == 0, err
    assert json.loads((tmp_path / "other.json").read_text())["counts"]["red"][1] > 0
    python = library.train(
        image_folder, labels=corrected, method="an", backbone="digits", image_size=16, epochs=2,
        batch_size=6, workers=0, out=tmp_path / "python", progress=False,
    )  # fmt: skip
    assert python.train_counts == result["train_counts"]


def test_a_run_goes_on_with_the_same_labels_alone(largeloss, image_folder, corrected, tmp_path):
    run, before = tmp_path / "run", read_text(corrected)
    assert largeloss("train", image_folder, "--labels", corrected, *SMALL, "--out", run)[0] == 0
    (run / "result.json").unlink()
    resume = ("train", "--resume", "--out", run)
    other = tmp_path / "other.csv"
    other.write_text(before.replace("train,1,", "train,0,", 1))
    code, _, err = largeloss(*resume, "--labels", other)
    assert code == 2
    assert "the training labels are others" in " ".join(err.split())
    corrected.write_text(before.replace("train,1,", "train,0,", 1))
    code, _, err = largeloss(*resume)
    assert code == 1
    assert "training labels" in err
    corrected.write_text(before)
    assert largeloss(*resume)[0] == 0


def test_files_that_do_not_go_with_the_images_are_refused(largeloss, image_folder, tmp_path):
    other, run = tmp_path / "other.csv", tmp_path / "run"
    train = ("train", image_folder, *SMALL, "--out", run, "--labels", other)
    code, _, err = largeloss(*train)
    assert code == 2
    assert "there is no such file" in err
    other.write_text("image,red\n" + "".join(f"photos/{row}.png,{row % 2}\n" for row in range(9)))
    code, _, err = largeloss(*train)
    assert code == 2
    assert "9 of 9 images are missing" in err
    code, _, err = largeloss("train", "--preset", "digits/an", "--labels", other, "--out", run)
    assert code == 2
    assert "--labels needs DATA" in err
    assert not run.exists()


def test_features_without_names_stay_with_their_images(tmp_path):
    values = torch.arange(8.0).reshape(4, 2)
    save_file({"features": values}, tmp_path / "features.safetensors")
    (tmp_path / "labels.csv").write_text("image,split,a\n0,train,1\n1,train,0\n2,val,1\n3,val,0\n")
    other = tmp_path / "other.csv"
    other.write_text("image,split,a\n3,val,1\n2,val,0\n0,train,1\n1,train,1\n")
    read = read_folder(tmp_path, labels=other)
    assert read.labels.images == ("3", "2", "0", "1")
    assert torch.equal(read.source.read(range(4), [False] * 4), values[[3, 2, 0, 1]])
    other.write_text("image,split,a\n3,val,1\n9,train,1\n")
    with pytest.raises(DataError, match="lacks features of 1 labelled images, for example"):
        read_folder(tmp_path, labels=other)
