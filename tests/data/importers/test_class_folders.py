"""A folder for each class, against a plain listing."""

from pathlib import Path

import pytest

from largeloss.data.importers import class_folders
from largeloss.errors import ConfigError, DataError


def write(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


FILES = {
    "dog/1.jpg": b"one",
    "dog/2.JPG": b"two",
    "cat/1.jpg": b"one",  # the same name and bytes: one image
    "cat/2.JPG": b"another two",
    "cat/old/3.png": b"three",
    "bird/3.png": b"three",  # another relative name: its own image
    "bird/notes.txt": b"no image",
    ".hidden/4.png": b"four",
    "cat/.ipynb_checkpoints/1-checkpoint.jpg": b"one",
    "cat/.thumb.jpg": b"one",
    "beside.png": b"five",
    "readme.md": b"",
}


@pytest.mark.parametrize(("unlisted", "other"), [("unknown", -1), ("absent", 0)])
def test_images_show_the_class_of_their_folder(tmp_path: Path, unlisted: str, other: int) -> None:
    root = write(tmp_path / "animals", FILES)
    (root / "empty").mkdir()
    found = class_folders.read(root, unlisted)
    assert found.name == "animals"
    assert found.table.classes == ("bird", "cat", "dog", "empty")
    assert found.table.images == (
        "bird/3.png", "cat/1.jpg", "cat/2.JPG", "cat/old/3.png", "dog/2.JPG",
    )  # fmt: skip
    present = {"bird/3.png": "bird", "cat/1.jpg": "cat dog", "cat/2.JPG": "cat",
               "cat/old/3.png": "cat", "dog/2.JPG": "dog"}  # fmt: skip
    for image, labels in zip(found.table.images, found.table.to_dense(), strict=True):
        names = present[image].split()
        assert labels.tolist() == [1 if c in names else other for c in found.table.classes]
    assert found.image_root == root
    assert found.splits["train"].tolist() == [0, 1, 2, 3, 4]
    assert found.notes == (
        "1 files are the same, by name and bytes, as one in the folder of another class: such a "
        "file is one image with several labels.",
        "1 images lie beside the classes' folders and are left out.",
        "1 files in the classes' folders are no images, by their suffix.",
        "1 classes have no image: 'empty'.",
    )


def test_three_folders_with_two_kinds_of_bytes(tmp_path: Path) -> None:
    root = write(tmp_path, {"a/1.png": b"x", "b/1.png": b"y", "c/1.png": b"x", "d/1.png": b"y"})
    found = class_folders.read(root, "unknown")
    assert found.table.images == ("a/1.png", "b/1.png")
    assert found.table.to_dense().tolist() == [[1, -1, 1, -1], [-1, 1, -1, 1]]


SPLIT_FOLDERS = {
    "Train/dog/1.jpg": b"one",
    "Train/cat/1.jpg": b"one",  # the same name and bytes in one split: one image
    "Train/cat/2.jpg": b"two",
    "validation/cat/1.jpg": b"one",  # in another split: another image
    "test/fox/1.jpg": b"three",
    "beside.png": b"four",
}


def test_folders_of_splits(tmp_path: Path) -> None:
    words = "train=unknown,val=absent,test=absent"
    found = class_folders.read(write(tmp_path, SPLIT_FOLDERS), words)
    assert found.table.classes == ("cat", "dog", "fox")
    assert found.table.images == (
        "Train/cat/1.jpg", "Train/cat/2.jpg", "validation/cat/1.jpg", "test/fox/1.jpg",
    )  # fmt: skip
    assert found.table.to_dense().tolist() == [[1, 1, -1], [1, -1, -1], [1, 0, 0], [0, 0, 1]]
    assert {name: rows.tolist() for name, rows in found.splits.items()} == {
        "train": [0, 1], "val": [2], "test": [3],
    }  # fmt: skip
    assert found.image_root == tmp_path
    assert found.notes[0].startswith("Read as splits: the folders 'Train', 'test', 'validation';")
    assert found.notes[2].startswith("1 images lie beside")


@pytest.mark.parametrize("more", ["bus/1.jpg", "train/3.jpg"])
def test_other_folders_or_images_in_them_make_them_classes(tmp_path: Path, more: str) -> None:
    root = write(tmp_path, {"train/old/1.jpg": b"one", "test/old/2.jpg": b"two", more: b"three"})
    found = class_folders.read(root, "absent")
    assert {"test", "train"} <= set(found.table.classes) <= {"bus", "test", "train"}
    assert list(found.splits) == ["train"]


def test_folders_behind_links_are_found_once(tmp_path: Path) -> None:
    root = write(tmp_path / "root", {"cat/old/1.jpg": b"one"})
    elsewhere = write(tmp_path / "elsewhere", {"2.jpg": b"two"})
    (root / "cat" / "away").symlink_to(elsewhere)
    (root / "cat" / "newest").symlink_to(root / "cat" / "old")
    (root / "cat" / "circle").symlink_to(root / "cat")
    found = class_folders.read(root, "absent")
    assert found.table.images == ("cat/away/2.jpg", "cat/old/1.jpg")
    assert found.notes == (
        "1 folders within the classes' folders are links; images behind them are found, too: "
        "'cat/away'.",
    )


def test_refusals(tmp_path: Path) -> None:
    for unlisted, end in ((None, r"\)\.$"), ("no", "got 'no'")):
        with pytest.raises(ConfigError, match=f"--unlisted unknown .*{end}"):
            class_folders.read(tmp_path, unlisted)
    with pytest.raises(DataError, match="is no folder"):
        class_folders.read(tmp_path / "none", "absent")
    (tmp_path / "cat").mkdir()
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"no folder in it has an image .*\.jpeg"):
        class_folders.read(tmp_path, "absent")
