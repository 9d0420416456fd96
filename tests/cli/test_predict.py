"""``largeloss predict``: where images come from, what is said of them, what is refused."""

import csv
import io
import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest


@pytest.fixture
def predict(largeloss, small_run):
    return lambda *arguments: largeloss("predict", small_run, *arguments, "--workers", "0")


@pytest.fixture
def images(small_run, tmp_path) -> Path:
    folder = tmp_path / "new"
    folder.mkdir()
    for name in ("a.png", "b.png", "c.png"):
        shutil.copy(small_run.parent / "data/images/00.png", folder / name)
    return folder


def names(path: Path) -> list[str]:
    with path.open(newline="") as file:
        return [Path(row["image"]).name for row in csv.DictReader(file)]


def test_images_come_from_everywhere(predict, images, tmp_path, monkeypatch):
    out = tmp_path / "s.csv"
    (images / "list.txt").write_text("c.png\n")
    (images / "list.csv").write_text("path,width\nb.png,3\n")
    code, text, err = predict(f"{images}/[a]*.png", "--list", images / "list.txt", "--list",
                              images / "list.csv", images / "a.png", "--out", out)  # fmt: skip
    assert code == 0, err
    assert names(out) == ["a.png", "c.png", "b.png"]
    assert "1 path named an image again; each image is scored once." in err
    assert "3 images → " in text
    assert " images per second)" in text
    monkeypatch.chdir(images)
    stream = io.BytesIO(b"b.png\0a.png\0")
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=stream))
    assert predict("-", "--out", out)[0] == 0
    assert names(out) == ["b.png", "a.png"]


def test_a_name_of_a_list_that_is_not_there_says_where_it_was_looked_for(
    predict, images, tmp_path, monkeypatch
):
    monkeypatch.chdir(images)
    list_ = Path("list.txt")
    list_.write_text("a.png\nphotos/gone.png\n")
    code, _, err = predict("--list", list_, "--out", tmp_path / "s.csv")
    assert code == 2
    assert f"photos/gone.png: there is no such file. Looked for {images}/photos/gone.png." in err
    assert f"Relative names in a list start from the list's folder, {images}: change" in err
    (images / "a.png").write_bytes(b"no image")
    code, _, err = predict("--list", list_, "--out", tmp_path / "s.csv")
    assert "a.png: cannot be decoded" in err
    assert "start from" not in err


def test_what_cannot_be_read_is_said_and_listed(predict, images, tmp_path):
    (images / "b.png").write_bytes(b"no image")
    (images / "list.txt").write_text("a.png\ngone.png\n/dev/zero\n..\n")
    code, _, err = predict(images, "--out", tmp_path / "s.csv")
    assert code == 2
    assert "b.png: cannot be decoded as an image" in err
    assert not (tmp_path / "s.csv").exists()
    code, text, err = predict(
        images, "--list", images / "list.txt", "--bad-images", "skip", "--out", tmp_path / "s.csv"
    )
    assert code == 0, err
    assert "gone.png: there is no such file." in err
    assert f"4 images could not be read; all are listed in {tmp_path / 's-skipped.csv'}." in err
    assert names(tmp_path / "s.csv") == ["a.png", "c.png"]
    assert names(tmp_path / "s-skipped.csv") == ["b.png", "gone.png", "zero", ".."]
    code, text, err = predict(images, "--bad-images", "skip", "--shards", "2", "--out",
                              tmp_path / "parts")  # fmt: skip
    assert code == 0, err
    assert f"1 image could not be read; all are listed in {tmp_path / 'parts/_skipped'}." in err
    code, text, err = predict(images, "--bad-images", "skip", "--shards", "2", "--resume", "--out",
                              tmp_path / "parts")  # fmt: skip
    assert code == 0, err
    assert "2 images → " in text
    assert "nothing was left to do" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Name images"),
        (("new", "--out", "s.txt"), "--out must end in .csv, .jsonl, .json, .parquet, got s.txt"),
        (("new", "--out", "new"), "--out must end in"),
        (("new", "--out", "no/s.csv"), "The folder no of --out does not exist"),
        (("new", "--resume"), "Add --shards"),
        (("new", "--bad-images", "drop"), "must be error or skip, got 'drop'"),
        (("new", "--shards", "2", "--out", "no/parts"), "The folder no of --out does not exist"),
        (("new", "--shards", "0"), "--shards"),
        (("--list", "no.txt"), "no.txt: there is no such list"),
        (("nothing*",), "Nothing matches"),
        (("gone.png",), "gone.png does not exist"),
        (("--list", "empty.txt"), "There are no images in empty.txt"),
    ],
)
def test_mistakes_are_told_before_any_work(predict, images, monkeypatch, arguments, message):
    monkeypatch.chdir(images.parent)
    (images.parent / "empty.txt").touch()
    before = sorted(os.listdir())
    code, out, err = predict(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert sorted(os.listdir()) == before
