"""Faults 17 to 39: images and tables that are not as they should be, through the command line."""

import json
import shutil
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from largeloss.data.inputs.image_files import ImageFiles, open_rgb
from largeloss.errors import DataError, InputError
from largeloss.losses import LargeLossRejection
from largeloss.metrics import average_precision, mean_average_precision
from processes import SMALL

PLAIN = (*SMALL[: SMALL.index("--observe")], "--epochs", "1", "--method", "ll-r")


@pytest.fixture
def train(largeloss, tmp_path):
    def run(data, *more):
        return largeloss("train", data, *PLAIN, *more, "--out", tmp_path / "run")

    return run


def damage(path, kind):
    content = path.read_bytes()
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "cut off":
        path.write_bytes(content[: len(content) // 2])
    elif kind == "text":
        path.write_text("no image")
    elif kind == "data":
        path.write_bytes(content[:60] + bytes(40) + content[100:])


@pytest.mark.parametrize("kind", ["empty", "cut off", "text", "data"])
def test_fault_17_18_broken_images_are_found_before_training(train, image_folder, kind):
    damage(image_folder / "images/03.png", kind)
    code, _, err = train(image_folder)
    assert code == 2
    assert "1 of 30 images cannot be read" in err
    assert "03.png" in err
    code, _, err = train(image_folder, "--bad-images", "skip")
    assert code == 0, err
    assert "1 of 30 images cannot be read and are left out" in err


def test_fault_18_corrupted_jpeg_data(tmp_path):
    path = tmp_path / "a.jpg"
    stream = np.random.default_rng(0)
    Image.fromarray(stream.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(path)
    content = path.read_bytes()
    path.write_bytes(content[:-40])
    with pytest.raises(DataError, match=r"a\.jpg: cannot be decoded"):
        open_rgb(path)


def test_fault_19_20_21_every_mode_becomes_rgb(tmp_path):
    grey = np.arange(0, 256, 16, dtype=np.uint8).reshape(4, 4)
    deep = (grey.astype(np.uint16) * 257).astype(np.uint16)
    colour = np.stack([grey] * 3, axis=2)
    clear = np.concatenate([colour, np.zeros((4, 4, 1), np.uint8)], axis=2)
    images = {
        "grey.png": (Image.fromarray(grey), colour),
        "deep.png": (Image.fromarray(deep), colour),
        "palette.png": (Image.fromarray(colour).quantize(256), colour),
        "clear.png": (Image.fromarray(clear, "RGBA"), np.full((4, 4, 3), 255, np.uint8)),
    }
    for name, (image, expected) in images.items():
        image.save(tmp_path / name)
        np.testing.assert_array_equal(np.asarray(open_rgb(tmp_path / name)), expected, name)
    frames = [Image.fromarray(np.full((4, 4, 3), value, np.uint8)) for value in (10, 200)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    assert np.asarray(open_rgb(tmp_path / "moving.gif")).max() < 20
    Image.fromarray(colour).convert("CMYK").save(tmp_path / "ink.jpg", quality=100)
    assert np.asarray(open_rgb(tmp_path / "ink.jpg")).shape == (4, 4, 3)


def test_fault_22_one_rule_for_exif(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 8
    for name in ("a.jpg", "a.png", "a.webp"):
        Image.new("RGB", (6, 3)).save(tmp_path / name, exif=exif)
        assert open_rgb(tmp_path / name).size == (3, 6)


BOMB = """
import resource, sys
from pathlib import Path
from largeloss.data.inputs.image_files import open_rgb
from largeloss.errors import DataError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    open_rgb(Path(sys.argv[1]))
except DataError as error:
    print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_fault_23_a_decompression_bomb(tmp_path):
    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(bytes(1_000_000)))
    path = tmp_path / "bomb.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + data + chunk(b"IEND", b""))
    done = subprocess.run(
        [sys.executable, "-c", BOMB, str(path)], capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said, grown = done.stdout.splitlines()
    assert "bomb.png" in said
    assert "more than the 80 million" in said or "exceeds limit" in said
    assert int(grown) < 200


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1)])
def test_fault_24_very_small_and_thin_images(tmp_path, size):
    Image.new("RGB", size, (10, 200, 30)).save(tmp_path / "a.png")
    batch = ImageFiles((tmp_path / "a.png",), 16).read([0], [True])
    assert batch[0, :, 3, 3].tolist() == [10, 200, 30]


VANISHING = """
import os
from largeloss.data.inputs import loader as loading
begin = loading.Loader.set_epoch
def vanish(self, epoch, skipped=0):
    if epoch == 1 and os.path.exists(PATH):
        os.remove(PATH)
    begin(self, epoch, skipped)
loading.Loader.set_epoch = vanish
"""


def test_fault_25_a_image_that_vanishes(command, image_folder, tmp_path):
    path = image_folder / "images/00.png"
    done = command(
        "train", image_folder, *PLAIN[:-4], "--epochs", "3", "--out", tmp_path / "run",
        setup=f"PATH = {str(path)!r}\n{VANISHING}",
    ).ended()  # fmt: skip
    assert done[0] == 2, done
    assert "00.png: there is no such file" in done[2]
    assert "Traceback" not in done[2]


def test_finding_20_an_image_that_vanishes_from_a_worker(command, image_folder, tmp_path):
    path = image_folder / "images/00.png"
    setup = f"PATH = {str(path)!r}\n{VANISHING}"
    options = [*PLAIN[:-4], "--epochs", "3", "--workers", "2", "--out", tmp_path / "run"]
    code, _, err = command("train", image_folder, *options, setup=setup).ended()
    assert code == 2
    assert err.splitlines()[-1] == f"Error: {path}: there is no such file."
    assert "Traceback" not in err


def test_fault_26_paths_that_lead_out(train, image_folder, tmp_path):
    (image_folder / "images/00.png").rename(tmp_path / "out.png")
    (image_folder / "images/00.png").symlink_to(tmp_path / "out.png")
    code, _, err = train(image_folder)
    assert code == 2
    assert "--follow-symlinks" in err
    assert train(image_folder, "--follow-symlinks")[0] == 0
    shutil.rmtree(tmp_path / "run")
    table = image_folder / "labels.csv"
    table.write_text(table.read_text().replace("images/01.png", "../out.png"))
    code, _, err = train(image_folder, "--follow-symlinks")
    assert code == 2
    assert "../out.png" in err


LONG = "image,label,value\nimages/00.png,red,1\nimages/01.png,blue,1\n"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("images/00.png,red,0", "images/00.png"),
        ("images/02.png,red,2", "line 4"),
        ("images/02.png,red,yes", "line 4"),
        ("images/02.png,red", "line 4"),
    ],
    ids=["29 conflict", "30 value", "30 word", "31 short line"],
)
def test_fault_29_30_31_wrong_tables(train, image_folder, lines, said):
    (image_folder / "labels.csv").write_text(LONG + lines + "\n")
    code, _, err = train(image_folder)
    assert code == 2
    assert said in err


def test_fault_27_an_unknown_image(train, image_folder):
    with (image_folder / "labels.csv").open("a") as file:
        file.write("images/99.png,train,1,0\n")
    code, _, err = train(image_folder)
    assert code == 2
    assert "images/99.png" in err


def test_fault_28_an_unknown_class(train, image_folder):
    code, _, err = train(image_folder, "--classes", "red,green")
    assert code == 2
    assert "green" in err


def test_fault_29_equal_pairs_are_merged(train, image_folder):
    table = image_folder / "labels.csv"
    rows = [
        f"images/{number:02d}.png,{name},{(number + place) % 2}"
        for number in range(30)
        for place, name in enumerate(("red", "blue"))
    ]
    table.write_text("image,label,value\n" + "\n".join([*rows, rows[5]]) + "\n")
    code, _, err = train(image_folder)
    assert code == 0, err


@pytest.mark.parametrize("kind", ["BOM", "CRLF", "UTF-16", "NUL", "empty", "header only"])
def test_fault_31_33_odd_encodings_and_empty_tables(train, image_folder, kind):
    table = image_folder / "labels.csv"
    text = table.read_text()
    table.write_bytes(
        {
            "BOM": b"\xef\xbb\xbf" + text.encode(),
            "CRLF": text.replace("\n", "\r\n").encode(),
            "UTF-16": text.encode("utf-16"),
            "NUL": text.replace("images/07", "images/\x0007").encode(),
            "empty": b"",
            "header only": text.splitlines()[0].encode(),
        }[kind]
    )
    code, _, err = train(image_folder)
    assert code == (0 if kind in ("BOM", "CRLF", "UTF-16") else 2), err
    assert "Traceback" not in err


def test_fault_34_35_classes_and_images_without_labels(train, image_folder, tmp_path):
    table = image_folder / "labels.csv"
    lines = table.read_text().splitlines()
    for number in range(1, len(lines)):
        image, split, red, _ = lines[number].split(",")
        blank = image.endswith("00.png")
        lines[number] = f"{image},{split},{'' if blank else red},{'' if blank else 0}"
    table.write_text("\n".join(lines) + "\n")
    code, out, err = train(image_folder)
    assert code == 0, err
    assert "No training image is tagged blue" in err
    assert "1 of 18 training images have no label at all" in err
    assert "not measurable: nowhere present" in out
    text = (tmp_path / "run/result.json").read_text()
    assert "NaN" not in text
    assert json.loads(text)["test_classes_without_positives"] == 1


def test_fault_36_fewer_unobserved_entries_than_k():
    loss = LargeLossRejection(100)
    loss.set_epoch(1)
    labels = torch.tensor([[1, 0, -1], [0, 1, 0]], dtype=torch.int8)
    decision = loss.decide(torch.randn(2, 3), labels, None)
    assert decision.weights is not None
    assert torch.equal(decision.weights, labels >= 0)


def test_fault_37_a_batch_of_one_and_a_short_last_one(train, image_folder):
    settings = ("--observe", "single-positive", "--set", "training.epochs=2")
    for size in ("1", "17"):
        code, _, err = train(image_folder, "--batch-size", size, *settings)
        assert code == 0, err

        shutil.rmtree(image_folder.parent / "run")


def test_fault_38_tied_scores():
    labels = (np.random.default_rng(0).random((50, 3)) < 0.3).astype(np.int8)
    scores = np.zeros((50, 3))
    order = np.random.default_rng(1).permutation(50)
    np.testing.assert_array_equal(
        average_precision(scores, labels), average_precision(scores, labels[order])
    )


def test_fault_39_nan_scores():
    with pytest.raises(InputError, match="NaN"):
        mean_average_precision(np.array([[np.nan, 1.0]]), np.array([[1, 0]]))
