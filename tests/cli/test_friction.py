"""Small mistakes of a day: messages that guess what was meant, names of classes with commas."""

import os
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

Command = Callable[..., tuple[int, str, str]]
Form = Literal["NFC", "NFD"]
TRAIN = ("--backbone", "digits", "--image-size", "16", "--epochs", "1", "--workers", "0")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("images/", "images\\", "with '/' in place of"),
        (".png", "", "with the suffix .png"),
        ("images/", "", "with images/ in front"),
        ("images/", "photos/images/", "without photos/ in front"),
        ("images/", "photos/", "with images/ in front and without photos/ in front"),
        ("images/", "Images/", "in upper and lower case as the files have them"),
        (".png", ".PNG", "with the suffix .png in place of .PNG"),
        (".png", ".jpeg", "with the suffix .png in place of .jpeg"),
        (".png", ".png ", "without spaces around them"),
        ("images/", "C:\\data\\Images\\", "in place of '\\' and in upper and lower case"),
        ("images/", "C:\\data\\images\\", "and without C:/data/ in front"),
        ("images/", "/home/me/images/", "without /home/me/ in front"),
        ("images/", "photos//images/", "without empty folders ('//') and without photos/ in"),
        ("images/", "Images//", "without empty folders ('//') and in upper and lower case"),
    ],
)
def test_finding_24_names_of_missing_images_are_guessed(
    largeloss: Command, image_folder: Path, tmp_path: Path, old: str, new: str, said: str
) -> None:
    table = image_folder / "labels.csv"
    table.write_text(table.read_text().replace(old, new))
    for command in (
        ("train", image_folder, *TRAIN, "--out", tmp_path / "run"),
        ("data", "check", image_folder),
        ("data", "import", "csv", table, "--out", tmp_path / "imported"),
    ):
        code, _, err = largeloss(*command)
        assert code in (1, 2)
        assert "has 'images/00.png', where the label file says" in err
        assert said in err


@pytest.mark.parametrize(("written", "there"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_letters_that_another_system_has_composed_otherwise(
    largeloss: Command, image_folder: Path, written: Form, there: Form
) -> None:
    named = unicodedata.normalize(written, "ガ-é.png")
    file = unicodedata.normalize(there, "ガ-é.png")
    (image_folder / "images/00.png").rename(image_folder / "images" / file)
    table = image_folder / "labels.csv"
    table.write_text(table.read_text().replace("00.png", named.upper()), encoding="utf-8")
    code, _, err = largeloss("data", "check", image_folder)
    assert code == 1
    said = " ".join(err.split())
    assert f"has {f'images/{file}'!r}, where the label file says" in said
    assert "write the names in upper and lower case as the files have them and in the" in said
    assert f"Unicode form that the files have, {there}" in said


def test_a_folder_is_read_once_for_all_missing_images(
    largeloss: Command, image_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = image_folder / "labels.csv"
    table.write_text(table.read_text().replace("images/", "nowhere/x"))
    looked, listed = [], os.listdir

    def counted(folder: str) -> list[str]:
        looked.append(str(folder))
        return listed(folder)

    monkeypatch.setattr("os.listdir", counted)
    largeloss("data", "check", image_folder)
    assert looked.count(str(image_folder)) == 1


def test_finding_24_no_guess_where_nothing_is_like_it(
    largeloss: Command, image_folder: Path, tmp_path: Path
) -> None:
    with (image_folder / "labels.csv").open("a") as file:
        file.write("images/../../99.png,train,1,0\n")
    _, _, err = largeloss("train", image_folder, *TRAIN, "--out", tmp_path / "run")
    assert "where the label file says" not in err


def test_finding_24_notes_on_values_are_shown(
    largeloss: Command, image_folder: Path, tmp_path: Path
) -> None:
    table = image_folder / "labels.csv"
    lines = table.read_text().replace(",1", ",1.0").replace(",0", ",0.0")
    table.write_text(lines)
    for command in (
        ("train", image_folder, *TRAIN, "--method", "an", "--out", tmp_path / "run"),
        ("data", "check", image_folder),
        ("data", "import", "csv", table, "--out", tmp_path / "imported"),
    ):
        code, _, err = largeloss(*command)
        assert code == 0, err
        assert err.count("Labels are written 0.0, 1.0") == 1


@pytest.mark.parametrize("way", ["file", "repeated", "commas"])
def test_finding_24_classes_by_file_or_repeated(
    largeloss: Command, make_image_folder: Callable[..., Path], tmp_path: Path, way: str
) -> None:
    name = "blue" if way == "commas" else "cup, blue"
    lines = [f"images/{row:02d}.png,{('train', 'val', 'test')[row % 3]},{row % 2},{row // 2 % 2},0"
             for row in range(24)]  # fmt: skip
    root = make_image_folder(labels=f'image,split,red,"{name}",green\n' + "\n".join(lines) + "\n")
    listed = tmp_path / "names.txt"
    listed.write_text(f"\ufeff{name}\nred\n\n")
    given = {
        "file": ("--classes", listed),
        "repeated": ("--classes", name, "--classes", "red"),
        "commas": ("--classes", f"{name}, red"),
    }[way]
    run = tmp_path / "run"
    code, _, err = largeloss("train", root, *TRAIN, "--method", "an", *given, "--out", run)
    assert code == 0, err
    from largeloss import load

    assert load(run).classes == (name, "red")
    code, _, err = largeloss(
        "train", root, *TRAIN, "--classes", tmp_path / "no.txt", "--out", tmp_path / "b"
    )
    assert code == 2
    assert "one name per line" in err


def test_finding_24_unlisted_by_split(
    largeloss: Command, image_folder: Path, tmp_path: Path
) -> None:
    table = image_folder / "labels.csv"
    lines = ["image,split,labels"]
    for line in table.read_text().splitlines()[1:]:
        image, split, red, blue = line.split(",")
        lines.append(f"{image},{split},{'red;' * int(red)}{'blue' * int(blue)}")
    table.write_text("\n".join(lines) + "\n")
    meaning = ("--unlisted", "train=unknown,val=absent,test=absent")
    code, _, err = largeloss("train", image_folder, *TRAIN, *meaning, "--out", tmp_path / "run")
    assert code == 0, err
    code, _, err = largeloss("data", "import", "csv", table, *meaning, "--out", tmp_path / "o")
    assert code == 0, err
    code, _, err = largeloss("data", "check", image_folder, "--unlisted", "train=unknown")
    assert code == 2
    assert "nothing of the split" in err
