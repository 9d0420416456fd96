"""Missing and broken images, against a plain look at each."""

from pathlib import Path

import pytest

from largeloss.data.examine.unusable_images import find_unusable
from largeloss.errors import DataError


def test_missing_and_broken_images(image_folder: Path) -> None:
    names = [f"images/{row:02d}.png" for row in range(30)]
    for row in range(12):
        (image_folder / names[row]).unlink()
    (image_folder / names[20]).write_bytes((image_folder / names[20]).read_bytes()[:100])
    (image_folder / names[3]).mkdir()
    rows, text = find_unusable(names, image_folder)
    assert rows == [*range(12), 20]
    words = text.splitlines()
    assert words[0] == "12 of 30 images are missing:"
    assert words[1:11] == [f"  {name}" for name in names[:10]]
    assert words[11] == "  … and 2 more"
    assert words[12] == "1 of 30 images cannot be read:"
    assert "20.png: cannot be decoded" in words[13]
    assert len(words) == 14
    assert find_unusable(names, image_folder, decode=False)[0] == list(range(12))
    assert find_unusable(names[25:], image_folder) == ([], "")


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none is not there: the 1 images .* --no-images"):
        find_unusable(["a.png"], tmp_path / "none")
