"""Label files as a hurried person writes them: found by ``data check`` and ``train`` alike."""

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from largeloss.config import make_config
from largeloss.data import digits
from largeloss.runs.data import read_data

Command = Callable[..., tuple[int, str, str]]
TRAIN = ("--backbone", "digits", "--image-size", "16", "--epochs", "1", "--workers", "0")


@pytest.fixture
def both(largeloss: Command, tmp_path: Path) -> Callable[..., list[tuple[int, str]]]:
    """Checks a folder and trains on it: exit code and messages of each."""
    runs = (tmp_path / f"run-{number}" for number in count())

    def commands(root: Path, *more: str) -> list[tuple[int, str]]:
        checked = largeloss("data", "check", root, *more)
        trained = largeloss("train", root, *TRAIN, *more, "--out", next(runs))
        return [(code, err) for code, _, err in (checked, trained)]

    return commands


def test_tags_between_commas_are_refused(both, image_folder: Path, tmp_path: Path) -> None:
    table = image_folder / "labels.csv"
    lines = ["image,split,labels"]
    for line in table.read_text().splitlines()[1:]:
        image, split, red, blue = line.split(",")
        lines.append(f'{image},{split},"{"red," * int(red)}{"blue" * int(blue)}"')
    table.write_text("\n".join(lines) + "\n")
    for code, err in both(image_folder, "--unlisted", "absent"):
        assert code == 2
        assert "'red,blue' holds ','" in err
        assert "write ';': 'red;blue'" in err
    assert not (tmp_path / "run-0").exists()
    table.write_text(table.read_text().replace(",blue", ";blue").replace("red,", "red"))
    for code, err in both(image_folder, "--unlisted", "absent"):
        assert code == 0, err
        assert "holds" not in err


def test_classes_that_differ_by_case_are_warned_of(
    both, make_image_folder: Callable[..., Path], image_folder: Path
) -> None:
    labels = (image_folder / "labels.csv").read_text()
    root = make_image_folder(labels=labels.replace("red,blue", "Red,red"))
    for code, err in both(root):
        assert code == 0, err
        assert "Classes differ only by case: 'Red' and 'red'." in err
    assert "by case" not in "".join(err for _, err in both(image_folder))


def test_classes_that_differ_by_outer_spaces_are_refused(
    both, make_image_folder: Callable[..., Path], image_folder: Path
) -> None:
    labels = (image_folder / "labels.csv").read_text()
    root = make_image_folder(labels=labels.replace("red,blue", "red,red "))
    for code, err in both(root):
        assert code == 2
        assert "labels.csv: the classes 'red' and 'red ' differ only by the spaces" in err


def test_rows_of_commas_alone_are_nothing(both, image_folder: Path) -> None:
    with (image_folder / "labels.csv").open("a") as file:
        file.write(",,,\n,,,\n")
    for code, err in both(image_folder):
        assert code == 0, err
    with (image_folder / "labels.csv").open("a") as file:
        file.write(",,1,\n")
    for code, err in both(image_folder):
        assert code == 2
        assert "line 34: the image has no name" in err


def test_two_ways_to_write_one_path_are_refused(
    both, largeloss: Command, image_folder: Path, tmp_path: Path
) -> None:
    table = image_folder / "labels.csv"
    with table.open("a") as file:
        file.write("./images/00.png,test,0,0\n")
    said = "Images are named twice, by different ways to write one path (1 in all): 'images/00.png'"
    for code, err in both(image_folder):
        assert code == 2
        assert said in err
    for command in (("split", image_folder), ("import", "csv", table)):
        code, _, err = largeloss("data", *command, "--out", tmp_path / "new")
        assert code == 2
        assert said in err
        assert not (tmp_path / "new").exists()


def test_classes_hold_without_data(largeloss: Command, tmp_path: Path) -> None:
    train = ("train", *TRAIN, "--out", tmp_path / "run")
    code, _, err = largeloss(*train, "--classes", "0,ten")
    assert code == 2
    assert "Unknown class 'ten'. Known are 10" in err
    code, _, err = largeloss(*train, "--unlisted", "absent")
    assert code == 2
    assert "--unlisted is for tag lists, and no DATA is named" in err
    for words in ("--bad-images skip", "--follow-symlinks", "--set data.max_value=4095"):
        code, _, err = largeloss(*train, *words.split())
        assert code == 2
        assert f"{words.split('=')[0].removesuffix(' skip')} is for image files, and no DATA" in err
    settings = make_config([{"data": {"classes": ["2", "0"]}, "model": {"backbone": "digits"}}])
    whole, some = digits.read().labels, read_data(settings).labels
    assert some == whole.select_classes(["2", "0"])


@pytest.mark.parametrize("words", ["train=unknown,val=absent,test=absent", "train=unknown"])
def test_a_word_by_split_needs_splits(
    both, largeloss: Command, make_image_folder: Callable[..., Path], tmp_path: Path, words: str
) -> None:
    """It was that of train for all images."""
    lines = [f"images/{row:02d}.png,{('red', 'blue', 'red;blue')[row % 3]}" for row in range(30)]
    root = make_image_folder(labels="image,labels\n" + "\n".join(lines) + "\n")
    for code, err in both(root, "--unlisted", words):
        assert code == 2
        assert "labels.csv has no column 'split': images are drawn into splits after" in err
        assert "Say one word for all" in err
    imported = ("--unlisted", words, "--out", tmp_path / "imported")
    code, _, err = largeloss("data", "import", "csv", root / "labels.csv", *imported)
    assert (code, "has no column 'split'" in err) == (2, True)
    (tmp_path / "tree/red").mkdir(parents=True)
    code, _, err = largeloss("data", "import", "folder", tmp_path / "tree", *imported)
    assert (code, "folders of classes have no splits" in err) == (2, True)
    assert [code for code, _ in both(root, "--unlisted", "unknown")] == [0, 0]


def test_coco_takes_no_word_for_a_split_without_a_file(largeloss: Command, tmp_path: Path) -> None:
    lists = {
        "images": [{"id": 1, "file_name": "a.png"}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [],
    }
    (tmp_path / "one.json").write_text(json.dumps(lists))
    code, _, err = largeloss(
        "data", "import", "coco", "--annotations", tmp_path / "one.json", "--images", tmp_path,
        "--unlisted", "train=unknown,val=absent", "--out", tmp_path / "imported",
    )  # fmt: skip
    assert code == 2
    assert "has a word for val, but what is read names only train" in err


@pytest.mark.parametrize(
    ("header", "line", "hint"),
    [
        (
            "image,Tags",
            "cat",
            "If 'Tags' lists the tags of an image, rename the column to 'labels'.",
        ),
        ("image,Labels", "cat", "rename the column to 'labels'."),
        ("image,labels,remark", "dog,good", "remove the column 'remark'."),
        ("image,Split,cat", "train,1", "If 'Split' names the splits, write 'split' in lower case."),
    ],
)
def test_columns_with_a_name_near_ours_are_told(
    both, make_image_folder: Callable[..., Path], header: str, line: str, hint: str
) -> None:
    lines = [f"images/{row:02d}.png,{line}" for row in range(30)]
    root = make_image_folder(labels="\n".join([header, *lines]) + "\n")
    for words in ((), ("--unlisted", "unknown")):
        for code, err in both(root, *words):
            assert code == 2
            assert hint in " ".join(err.split())


def test_a_class_may_be_called_tags(both, make_image_folder: Callable[..., Path]) -> None:
    lines = [f"images/{row:02d}.png,{row % 2},{row // 2 % 2}" for row in range(30)]
    root = make_image_folder(labels="image,tags,Labels\n" + "\n".join(lines) + "\n")
    for code, err in both(root):
        assert code == 0, err
        assert "rename" not in err


def test_semicolons_between_fields_are_told_before_quotes(
    both, make_image_folder: Callable[..., Path]
) -> None:
    root = make_image_folder(labels='image;labels\nimages/00.png;cat\nimages/01.png;"cat;dog"\n')
    for code, err in both(root, "--unlisted", "unknown"):
        assert code == 2
        assert "separated by semicolons; commas are needed" in err


def test_names_with_a_drive_are_called_absolute(
    both, make_image_folder: Callable[..., Path]
) -> None:
    lines = [f"C:/Users/anna/{row:02d}.jpg,1" for row in range(30)]
    root = make_image_folder(labels="image,cat\n" + "\n".join(lines) + "\n")
    for code, err in both(root):
        assert code == 2
        assert "30 names of images are absolute" in err
