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
