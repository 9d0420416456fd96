"""A batch of one image, from which BatchNorm cannot learn: refused before training."""

import re

import numpy as np
import pytest
from safetensors.torch import load_file

from largeloss.config import make_config
from largeloss.errors import ConfigError
from largeloss.runs import lone_images
from largeloss.runs.assemble import check
from largeloss.runs.data import open_data
from largeloss.runs.lone_images import _takes_one
from largeloss.runs.settings import resolved

ONE_PLACE = ("--backbone", "resnet10t", "--image-size", 32)  # its last maps are 1×1
OTHERS = ("--epochs", 1, "--workers", 0, "--method", "an")


def labels(train, total=30):
    splits = ["train"] * train + ["val", "test"] * total
    rows = (f"images/{row:02d}.png,{splits[row]},{row % 2},{row // 2 % 2}" for row in range(total))
    return "\n".join(["image,split,red,blue", *rows]) + "\n"


@pytest.fixture
def seventeen(make_image_folder):
    return make_image_folder(labels=labels(17))


@pytest.mark.parametrize(("size", "batch"), [(16, "the last batch"), (1, "each batch")])
def test_a_network_that_cannot_is_refused_and_the_size_named_trains(
    largeloss, seventeen, tmp_path, size, batch
):
    given = ("train", seventeen, *ONE_PLACE, *OTHERS, "--out", tmp_path / "run", "--batch-size")
    code, _, err = largeloss(*given, size)
    assert code == 2
    told = " ".join(err.split())
    assert f"With --batch-size {size} {batch} of 17 training images has one image" in told
    assert "'resnet10t' cannot be trained on one image at a time" in told
    assert not (tmp_path / "run").exists()
    if size == 16:
        code, _, err = largeloss(*given, *re.findall(r"such as --batch-size (\d+)", told))
        assert code == 0, err


@pytest.mark.parametrize("command", ["compare", "tune"])
def test_other_commands_refuse_it_before_they_begin(
    largeloss, seventeen, tmp_path, monkeypatch, command
):
    def decode(*_, **__):
        raise AssertionError("images were decoded")

    monkeypatch.setattr("largeloss.data.folder.read.decode_all", decode)
    options = (*OTHERS[:-2], "--methods", "an", "--batch-size", 16, "--out", tmp_path / "out")
    code, _, err = largeloss(command, seventeen, *ONE_PLACE, *options)
    assert code == 2
    assert "such as --batch-size 15" in " ".join(err.split())


def test_batch_norm_after_pooling(largeloss, seventeen, tmp_path):
    network = ("--backbone", "mobilenetv4_conv_small", "--image-size", 64)
    given = ("train", seventeen, *network, *OTHERS, "--batch-size", 8, "--out", tmp_path / "run")
    code, _, err = largeloss(*given)
    assert code == 2
    assert "such as --batch-size 7" in " ".join(err.split())


def test_a_network_that_can_trains_as_before(largeloss, seventeen, tmp_path, monkeypatch):
    network = ("--backbone", "digits", "--image-size", 16, "--set", "model.dropout=0.5")
    given = ("train", seventeen, *network, *OTHERS, "--batch-size", 16, "--out")
    looked = []

    def takes(*given):
        looked.append(_takes_one(*given))
        return looked[-1]

    monkeypatch.setattr(lone_images, "_learns", {})
    monkeypatch.setattr(lone_images, "_takes_one", takes)
    assert largeloss(*given, tmp_path / "looked")[0] == 0
    assert looked == [True]
    monkeypatch.setattr("largeloss.runs.assemble.check_lone_images", lambda *_: None)
    assert largeloss(*given, tmp_path / "not")[0] == 0
    one, other = (load_file(tmp_path / run / "best/model.safetensors") for run in ("looked", "not"))
    assert all(one[name].equal(other[name]) for name in one)


def test_no_network_is_looked_at_where_no_share_is_one_image(
    largeloss, seventeen, tmp_path, monkeypatch
):
    def looked(*_):
        raise AssertionError("looked at")

    monkeypatch.setattr(lone_images, "learns_from_one", looked)
    given = ("train", seventeen, *ONE_PLACE, *OTHERS, "--batch-size", 15, "--out", tmp_path / "run")
    assert largeloss(*given)[0] == 0


def test_a_head_on_frozen_features_has_no_batch_norm(largeloss, seventeen, tmp_path):
    given = ("train", seventeen, *ONE_PLACE, *OTHERS, "--protocol", "linear", "--batch-size", 16)
    code, _, err = largeloss(*given, "--out", tmp_path / "run")
    assert code == 0, err


@pytest.mark.parametrize(("train", "refused"), [(17, False), (18, True)])
def test_images_that_are_left_out_do_not_count(
    largeloss, make_image_folder, tmp_path, train, refused
):
    data = make_image_folder(labels=labels(train))
    (data / "images/03.png").write_bytes(b"no image")
    given = ("train", data, *ONE_PLACE, *OTHERS, "--batch-size", 16, "--bad-images", "skip")
    code, _, err = largeloss(*given, "--out", tmp_path / "run")
    assert code == (2 if refused else 0), err


def test_folds_that_leave_a_lone_image(largeloss, make_image_folder, tmp_path):
    data, run = make_image_folder(labels=labels(18)), tmp_path / "run"
    given = ("train", data, *ONE_PLACE, *OTHERS, "--batch-size", 16, "--out", run)
    assert largeloss(*given)[0] == 0
    code, _, err = largeloss("suggest", run, "--folds", 18, "--out", tmp_path / "s.csv")
    assert code == 2
    assert "With --folds 18 a batch of the training has one image" in " ".join(err.split())
    assert "Choose --folds 9." in " ".join(err.split())


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_shares_are_those_of_the_loader(monkeypatch, processes):
    monkeypatch.setattr("largeloss.distributed.world_size", lambda: processes)

    def smallest(number, size):
        starts = range(0, number, size)
        batches = [np.arange(start, min(start + size, number)) for start in starts]
        return min(len(part) for batch in batches for part in np.array_split(batch, processes))

    for number in range(processes, 24):
        for size in range(processes, 30):
            if smallest(number, size):
                lone = lone_images.has_lone_image(number, size)
                assert lone == (smallest(number, size) == 1)
            nearest = lone_images._nearest(number, size)
            if nearest is None:
                assert number < 2 * processes
            else:
                assert smallest(number, nearest) > 1


def test_too_few_images_for_the_processes(monkeypatch, image_folder):
    monkeypatch.setattr("largeloss.distributed.world_size", lambda: 10)
    model = {"backbone": "resnet10t", "image_size": 32}
    given = {"data": {"path": str(image_folder)}, "method": {"name": "an"}, "model": model}
    settings = resolved(make_config([{**given, "training": {"batch_size": 18}}]))
    with pytest.raises(ConfigError, match=r"a process's share of each batch of 18 .* fewer proc"):
        check(settings, open_data(settings))
