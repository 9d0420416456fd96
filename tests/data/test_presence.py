"""Missing and broken pictures, against a plain look at each."""

from pathlib import Path

import pytest

from largeloss.data.presence import find_unusable
from largeloss.errors import DataError


def test_missing_and_broken_pictures(picture_folder: Path) -> None:
    names = [f"images/{row:02d}.png" for row in range(30)]
    for row in range(12):
        (picture_folder / names[row]).unlink()
    (picture_folder / names[20]).write_bytes((picture_folder / names[20]).read_bytes()[:100])
    (picture_folder / names[3]).mkdir()
    found = find_unusable(names, picture_folder)
    assert found.missing == tuple(range(12))
    assert list(found.unreadable) == [20]
    assert found.rows == [*range(12), 20]
    words = found.in_words(names).splitlines()
    assert words[0] == "12 of 30 pictures are missing:"
    assert words[1:11] == [f"  {name}" for name in names[:10]]
    assert words[11] == "  … and 2 more"
    assert words[12] == "1 of 30 pictures cannot be read:"
    assert "20.png: cannot be decoded" in words[13]
    assert len(words) == 14
    assert find_unusable(names, picture_folder, decode=False).rows == list(range(12))
    whole = find_unusable(names[25:], picture_folder)
    assert whole.rows == []
    assert whole.in_words(names) == ""


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none is not there: the 1 pictures .* --no-pictures"):
        find_unusable(["a.png"], tmp_path / "none")
