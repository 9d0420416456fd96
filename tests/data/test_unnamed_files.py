"""Image files that no row of the labels names are told, and nothing else is."""

import json
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
