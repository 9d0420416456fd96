"""Images are looked for in their folder, and never beside it."""

from pathlib import Path

import pytest

from largeloss.data.folder.image_paths import locate_images
from largeloss.errors import DataError


def test_one_folder(tmp_path: Path) -> None:
    names = ["a.png", "deep/er/b.png"]
    assert tuple(locate_images(names, tmp_path)) == tuple(tmp_path / name for name in names)


def test_a_folder_for_each_first_part(tmp_path: Path) -> None:
    folders = {"one": tmp_path / "x", "two": tmp_path / "y"}
    found = locate_images(["two/a.png", "one/d/a.png", "two/b.png"], folders)
    assert tuple(found) == (tmp_path / "y/a.png", tmp_path / "x/d/a.png", tmp_path / "y/b.png")
    for name in ("three/a.png", "one", "one/"):
        with pytest.raises(DataError, match=f"where the image '{name}' lies: .* 'one', 'two'"):
            locate_images([name], folders)
    with pytest.raises(DataError, match="name nothing"):
        locate_images(["a"], {})


@pytest.mark.parametrize("name", ["../b.png", "d/../../b.png"])
@pytest.mark.parametrize("follow", [False, True])
def test_names_that_lead_out(tmp_path: Path, name: str, follow: bool) -> None:
    with pytest.raises(DataError, match="1 images lie outside"):
        locate_images(["a.png", name], tmp_path, follow)
    with pytest.raises(DataError, match="1 images lie outside"):
        locate_images([f"one/{name}"], {"one": tmp_path}, follow)


def test_names_that_no_file_can_have(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"1 names of images have a NUL character, .*'b\\x00'"):
        locate_images(["a.png", "b\0"], tmp_path)


@pytest.mark.parametrize("follow", [False, True])
def test_absolute_names(tmp_path: Path, follow: bool) -> None:
    (tmp_path / "in").mkdir()
    names = ["a.png", "/etc/passwd", f"{tmp_path}/in/a.png"]
    with pytest.raises(DataError, match=r"2 names of images are absolute.*data import csv"):
        locate_images(names, tmp_path / "in", follow)
    (tmp_path / "in/a.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"has 'a.png', where .*: write the names without /"):
        locate_images(names[2:], tmp_path / "in", follow)


@pytest.mark.parametrize("link", ["link.png", "folder/b.png"])
def test_links_lead_out_only_when_asked(tmp_path: Path, link: str) -> None:
    inside, outside = tmp_path / "in", tmp_path / "in-and-more"
    inside.mkdir()
    outside.mkdir()
    (outside / "b.png").write_bytes(b"")
    (inside / "link.png").symlink_to(outside / "b.png")
    (inside / "folder").symlink_to(outside)
    with pytest.raises(DataError, match="--follow-symlinks"):
        locate_images([link], inside)
    assert tuple(locate_images([link], inside, True)) == (inside / link,)


def test_links_inside_and_a_linked_root_are_fine(tmp_path: Path) -> None:
    real = tmp_path / "real"
    (real / "d").mkdir(parents=True)
    (real / "d/a.png").write_bytes(b"")
    (real / "b.png").symlink_to(real / "d/a.png")
    (tmp_path / "root").symlink_to(real)
    root = tmp_path / "root"
    assert tuple(locate_images(["b.png", "d/a.png"], root)) == (root / "b.png", root / "d/a.png")
