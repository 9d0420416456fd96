"""What labels, settings and folders decide is refused before images are decoded; what a run was
told of images that cannot be read holds for what is done with it."""

import json
from pathlib import Path

import pytest

from largeloss.cli import run as run_command
from largeloss.config import make_config
from largeloss.data import read_folder
from largeloss.data.inputs.loader import check_last_batch
from largeloss.errors import ConfigError
from largeloss.runs.assemble import check
from largeloss.runs.data import open_data
from largeloss.runs.settings import resolved

SMALL = (
    "--backbone", "digits", "--image-size", "16", "--epochs", "1", "--batch-size", "6",
    "--workers", "0",
)  # fmt: skip
BLANKS = "image,split,red,blue\n" + "".join(
    f"images/{row:02d}.png,{('train', 'train', 'train', 'val', 'test')[row % 5]},{row % 2},"
    f"{'' if row == 0 else 1 - row % 2}\n"
    for row in range(30)
)


@pytest.fixture
def undecoded(monkeypatch):
    """Decoding images fails the test."""

    def decode(*_, **__):
        raise AssertionError("images were decoded")

    monkeypatch.setattr("largeloss.data.folder.read.decode_all", decode)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("train", "--method", "full"), "needs complete labels"),
        (("train", "--method", "an", "--protocol", "linear", "--augment", "light"), "--augment"),
        (("train", "--method", "an", "--out", "a-file/run"), "cannot be written"),
        (("compare", "--methods", "an,full", "--seeds", "1"), "needs complete labels"),
        (("compare", "--methods", "an", "--seeds", "1", "--out", "a-file/x"), "cannot be written"),
        (("tune", "--methods", "an,full", "--budget", "1"), "needs complete labels"),
    ],
)
def test_before_images_are_decoded(
    largeloss, make_image_folder, tmp_path, monkeypatch, undecoded, command, message
):
    data = make_image_folder(labels=BLANKS)
    monkeypatch.chdir(tmp_path)
    Path("a-file").touch()
    name, *options = command
    options += [] if "--out" in options else ["--out", "out"]
    code, _, err = largeloss(name, data, *SMALL, *options)
    assert code == 2
    assert message in err


@pytest.mark.parametrize("command", ["train", "compare", "tune"])
def test_more_workers_than_memory_can_hold_are_refused(largeloss, image_folder, tmp_path, command):
    methods = ("--method" if command == "train" else "--methods", "an")
    given = (*methods, *SMALL[:-2], "--workers", "5000", "--out", tmp_path / "out")
    code, _, err = largeloss(command, image_folder, *given)
    assert code == 2
    assert "workers is 5,000, and this machine has" in err
    assert not (tmp_path / "out").exists()


def test_a_comparison_reads_the_labels_once(largeloss, image_folder, tmp_path, monkeypatch):
    reads = []

    def counted(*given, **more):
        reads.append(given)
        return read_folder(*given, **more)

    monkeypatch.setattr("largeloss.runs.data.read_folder", counted)
    out = tmp_path / "out"
    options = ("--methods", "an,full", "--seeds", 1, "--observe", "single-positive")
    assert largeloss("compare", image_folder, *SMALL, *options, "--out", out)[0] == 0
    assert len(reads) == 1


def test_pointing_asks_for_boxes_first(largeloss, small_run, undecoded):
    code, _, err = largeloss("analyze", "pointing", small_run)
    assert code == 2
    assert "has no boxes" in err


def test_an_unsuitable_last_batch_is_refused_with_the_settings(image_folder, monkeypatch):
    settings = resolved(
        make_config(
            [
                {
                    "data": {"path": str(image_folder)},
                    "method": {"name": "an"},
                    "model": {"backbone": "digits", "image_size": 16},
                    "training": {"batch_size": 17},
                }
            ]
        )
    )
    data = open_data(settings)
    check(settings, data)
    monkeypatch.setattr("largeloss.distributed.world_size", lambda: 4)
    with pytest.raises(ConfigError, match="The last of the batches has 1 images for 4 processes"):
        check(settings, data)
    check_last_batch(18, 6)


@pytest.fixture
def run_that_skips(image_folder, tmp_path):
    """Trained with --bad-images skip; an image of val and one of train are damaged."""
    for name in ("03", "05"):
        (image_folder / f"images/{name}.png").write_bytes(b"no image")
    run = tmp_path / "run"
    arguments = ("train", image_folder, *SMALL, "--method", "an", "--bad-images", "skip")
    assert run_command([*map(str, arguments), "--out", str(run)]) == 0
    return run


def test_a_run_that_left_images_out_goes_on_doing_so(largeloss, run_that_skips, tmp_path):
    code, out, err = largeloss("evaluate", run_that_skips, "--split", "val")
    assert code == 0, err
    assert "val: 5 inputs" in out
    code, _, err = largeloss(
        "labels", "export", run_that_skips, "--to", "label-studio", "--out", tmp_path / "tasks.json"
    )
    assert code == 0, err
    assert len(json.loads((tmp_path / "tasks.json").read_text())) == 30
    code, out, err = largeloss(
        "export", run_that_skips, "--to", "hub-folder", "--out", tmp_path / "hub"
    )
    assert code == 0, err
    assert "5 inputs" in out
    code, _, err = largeloss("evaluate", run_that_skips, "--bad-images", "error", "--split", "val")
    assert code == 2
    assert "cannot be read" in err


def test_labels_of_a_data_folder_that_holds_a_link(largeloss, image_folder, tmp_path):
    (image_folder / "link").symlink_to(tmp_path)
    out = tmp_path / "wide.csv"
    assert largeloss("labels", "export", image_folder, "--to", "wide", "--out", out)[0] == 0
    text = out.read_text().splitlines()
    text[1] = text[1][:-1] + ("0" if text[1].endswith("1") else "1")
    out.write_text("\n".join(text) + "\n")
    code, _, err = largeloss(
        "labels", "import", out, image_folder, "--from", "wide", "--out", tmp_path / "e.parquet"
    )
    assert code == 0, err
    code, _, err = largeloss("labels", "log", image_folder)
    assert code == 2
    assert "is a data folder" in err


def test_settings_that_nothing_looks_at_are_told(largeloss, image_folder, small_run, tmp_path):
    code, _, err = largeloss("evaluate", small_run, "--unlisted", "bogus")
    assert code == 2
    assert "Name a data folder, or leave --unlisted out" in err
    (tmp_path / "wrong.yaml").write_text("training: 5\n")
    options = ("--method", "an", "--out", tmp_path / "run")
    arguments = ("train", image_folder, *SMALL, *options)
    code, _, err = largeloss(*arguments, "--config", tmp_path / "wrong.yaml")
    assert code == 2
    assert "training is a section and must hold settings by name" in err
    unused = ("momentum=0.5", "lr_warmup=0.2", "head_lr=0.5", "head_epochs=3", "stop_below=7")
    sets = [part for text in unused for part in ("--set", f"training.{text}")]
    code, _, err = largeloss(*arguments, "--backend", "openvino", "--select", "last", *sets)
    assert code == 0, err
    told = " ".join(err.split())
    assert "--backend openvino is of frozen features" in told
    assert "training.momentum is of sgd and rmsprop" in told
    assert "training.lr_warmup is of --schedule cosine" in told
    for name in ("head_lr", "head_epochs"):
        assert f"training.{name} is of --protocol linear-init" in told
    assert "--stop-below ends a training by val" in told
    assert "momentum" not in largeloss(*arguments[:-1], tmp_path / "usual")[2]
