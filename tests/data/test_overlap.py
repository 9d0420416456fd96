"""Pictures that are in train and elsewhere: in another split, or in what a model is measured on."""

import shutil

import numpy as np
import pytest
import torch

from largeloss.data import FeatureArray, ImageArray, ImageFiles, read_folder
from largeloss.data.examine.overlap import shared_inputs
from largeloss.data.inputs.source import LabelsOnly
from largeloss.errors import DataError

OPTIONS = [
    "--backbone", "digits", "--image-size", "16", "--epochs", "1", "--batch-size", "8",
    "--workers", "0",
]  # fmt: skip


@pytest.mark.parametrize("other", ["./images/00.png", "images/./00.png", "images//00.png"])
def test_finding_14_one_path_written_in_two_ways_is_refused(make_image_folder, largeloss, other):
    root = make_image_folder(
        labels=f"image,split,red\nimages/00.png,train,1\n{other},test,1\nimages/01.png,val,0\n"
    )
    with pytest.raises(DataError, match="Images are named twice"):
        read_folder(root)
    code, _, err = largeloss("train", root, *OPTIONS, "--out", root / "run")
    assert code == 2
    assert f"'images/00.png' = {other!r}" in err


def test_finding_14_train_reports_equal_files_across_splits(image_folder, largeloss):
    shutil.copy(image_folder / "images/00.png", image_folder / "images/04.png")  # train, test
    shutil.copy(image_folder / "images/01.png", image_folder / "images/02.png")  # both train
    code, _, err = largeloss("train", image_folder, *OPTIONS, "--out", image_folder / "run")
    assert code == 0, err
    assert "1 group of identical files in different splits" in err
    assert "'images/00.png' = 'images/04.png'" in err


def test_finding_14_evaluate_warns_of_what_was_trained_on(
    image_folder, make_image_folder, largeloss, tmp_path
):
    run, hidden = tmp_path / "run", ("--observe", "single-positive")
    code, _, err = largeloss("train", image_folder, *OPTIONS, *hidden, "--out", run)
    assert code == 0, err
    other = make_image_folder(
        labels="image,split,red,blue\n"
        + "".join(f"images/{row:02d}.png,test,{row % 2},{row % 3 % 2}\n" for row in range(30))
    )
    # under other paths, but the pictures are those of the run; 24 are test here, 5 of them there
    (other / "labels.csv").write_text(
        (other / "labels.csv").read_text().replace("test", "train", 6)
    )
    code, _, err = largeloss("evaluate", run, other)
    assert code == 0, err
    assert "19 of 24 inputs of test are among those that the run was trained on" in err
    assert "trained on" not in largeloss("evaluate", run)[2]
    code, _, err = largeloss("evaluate", run, "--split", "train")
    assert "18 of 18 inputs of train are among" in err
    table = image_folder / "labels.csv"
    assert "not those that it was trained with" not in err
    table.write_text(table.read_text().replace("00.png,train", "00.png,test"))
    assert "not those that it was trained with" in largeloss("evaluate", run)[2]
    shutil.rmtree(image_folder)
    code, _, err = largeloss("evaluate", run, other)
    assert code == 0, err
    assert "could not be checked, since its own data cannot be read" in err


def test_inputs_that_are_shared(tmp_path):
    stream = np.random.default_rng(0)
    pixels = stream.integers(0, 256, (6, 3, 4, 4)).astype(np.uint8)
    values = torch.from_numpy(stream.normal(size=(6, 5)).astype(np.float32))
    rows, others = np.array([0, 1, 4]), np.array([4, 0, 5])
    for one in (ImageArray(pixels), FeatureArray(values)):
        assert shared_inputs(one, rows, one, others).tolist() == [True, False, True]
        assert not shared_inputs(one, rows, LabelsOnly(6), others).any()
    assert not shared_inputs(ImageArray(pixels), rows, FeatureArray(values), others).any()
    for name, content in (("a", b"one"), ("b", b"two"), ("c", b"one"), ("d", b"two")):
        (tmp_path / name).write_bytes(content)
    files = ImageFiles([tmp_path / name for name in "abcd"], 8)
    found = shared_inputs(files, np.array([0, 1]), files, np.array([2]))
    assert found.tolist() == [True, False]
