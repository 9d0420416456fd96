"""Image files that no row of the labels names are told, and nothing else is."""

import json
import os
import shutil

import pytest

from largeloss.data.examine.unnamed_files import about_unnamed


def test_data_check_says_how_many_and_names_three(image_folder, largeloss):
    _, _, err = largeloss("data", "check", image_folder)
    assert "named by no row" not in err
    for name in ("b.png", "c.JPG", "a.png", "d.gif", ".hidden.png", "e.txt"):
        shutil.copy(image_folder / "images/00.png", image_folder / "images" / name)
    code, _, err = largeloss("data", "check", image_folder)
    text = " ".join(err.split())
    assert code == 0
    assert (
        "4 image files are named by no row of the labels, and not used: 'images/a.png', "
        "'images/b.png', 'images/c.JPG' and 1 more. If they should be, give each a row."
    ) in text
    notes = json.loads((image_folder / "check/check.json").read_text())["notes"]
    assert any("4 image files are named by no row" in note for note in notes)


@pytest.mark.parametrize("several", [False, True])
def test_names_are_compared_as_paths(tmp_path, several):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.png").touch()
    folders = {"x": tmp_path} if several else tmp_path
    first = "x/" if several else ""
    assert not [*about_unnamed([f"{first}./in//a.png"], folders)]
    (told,) = about_unnamed([f"{first}in/b.png"], folders)
    assert told.startswith("1 image file is named by no row")
    assert f"'{first}in/a.png'" in told


def test_folders_that_were_joined_may_share_their_images(
    image_folder, largeloss, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    pictures = image_folder / "images"
    for name, rows in (("fA", range(24)), ("fB", range(16, 30))):
        lines = [f"{row:02d}.png,{row % 2}\n" for row in rows]
        (tmp_path / "labels.csv").write_text("image,red\n" + "".join(lines))
        more = ("--images", pictures, "--out", name)
        assert largeloss("data", "import", "csv", "labels.csv", *more)[0] == 0
    assert largeloss("data", "join", "a=fA", "b=fB", "--out", "both")[0] == 0
    _, _, err = largeloss("data", "check", "both")
    assert "named by no row" not in err
    shutil.copy(pictures / "00.png", pictures / "more.png")
    _, _, err = largeloss("data", "check", "both")
    assert "1 image file is named by no row of the labels, and not used: 'a/more.png'." in err


def test_files_are_the_same_through_links_and_within_each_other(tmp_path):
    (tmp_path / "in/real").mkdir(parents=True)
    for name in ("in/real/a.png", "in/real/b.png", "in/c.png"):
        (tmp_path / name).touch()
    (tmp_path / "in/linked").symlink_to("real")
    (tmp_path / "in/z.png").symlink_to("real/b.png")
    assert not [*about_unnamed(["linked/a.png", "z.png", "c.png"], tmp_path / "in")]
    assert not [*about_unnamed(["real/a.png", "real/b.png", "c.png"], tmp_path / "in")]
    places = {"x": tmp_path / "in", "y": tmp_path / "in/real"}
    (told,) = about_unnamed(["y/a.png", "x/c.png"], places)
    assert told.startswith("2 image files are named by no row")
    assert "'x/real/b.png', 'x/z.png'" in told


def test_a_million_files_cost_little_for_each(tmp_path, monkeypatch):
    """Folders are compared, not paths; of the names three are kept."""
    walk = [(str(tmp_path), ["in"], [f"{n}.png" for n in range(5000, 0, -1)])]
    monkeypatch.setattr("os.walk", lambda _: iter(walk))
    calls = []

    def counted(function):
        def call(*arguments, **more):
            calls.append(arguments)
            return function(*arguments, **more)

        return call

    for name in ("realpath", "relpath", "normpath"):
        monkeypatch.setattr(f"os.path.{name}", counted(getattr(os.path, name)))
    (told,) = about_unnamed(["1.png"], tmp_path)
    assert "4,999 image files" in told
    assert "'10.png', '100.png', '1000.png' and 4,996 more" in told
    assert len(calls) < 10
