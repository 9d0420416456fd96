"""Which images are meant by files, folders, patterns and lists; paths in little memory."""

import io
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from largeloss.errors import DataError
from largeloss.runs.predict import path_list
from largeloss.runs.predict.lists import STDIN, listed_paths
from largeloss.runs.predict.path_list import PathList
from largeloss.runs.predict.sources import find_images

MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
NAMES = st.binary(min_size=1, max_size=6).filter(
    lambda b: not set(b) & set(b"\0\n\r") and not b.startswith(MARKS)
)
PATHS = NAMES.map(os.fsdecode).map(Path).map(str)
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="names are Unicode elsewhere")


@LINUX
@pytest.mark.parametrize("hashes_differ", [True, False])
@given(st.lists(PATHS, max_size=40))
def test_a_path_list_is_a_list_without_repetitions(hashes_differ, paths):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(path_list, "BLOCK", 7)
        if not hashes_differ:
            patch.setattr(path_list, "hash", lambda path: len(path) % 2, raising=False)
        found = PathList(paths)
    expected = [Path(path) for path in dict.fromkeys(paths)]
    assert list(found) == expected
    assert [found[place] for place in range(len(found))] == expected
    assert found.repeated == len(paths) - len(expected)
    assert found[1:5] == expected[1:5]
    if expected:
        assert found[-1] == expected[-1]
    with pytest.raises(IndexError):
        found[len(found)]


def tree(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


def found_in(*paths: Path, lists: tuple[Path, ...] = ()) -> list[str]:
    return [str(path) for path in find_images(paths, lists).paths]


def test_folders_are_sorted_by_the_parts_of_their_paths(tmp_path):
    root = tree(tmp_path / "r", "a/b.png", "a.png", "a-b/c.jpg", "a-b.JPG", "z/y/x.gif", "é.tif",
                "notes.txt", ".hidden", "z/none")  # fmt: skip
    expected = sorted(path for path in root.rglob("*") if path.suffix.lower() in
                      (".png", ".jpg", ".gif", ".tif"))  # fmt: skip
    found = find_images([root])
    assert list(found.paths) == expected
    assert dict(found.left_out) == {".txt": 1, "no suffix": 1}


def test_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tree(tmp_path, "b.png", "a/c.png"))
    assert found_in(Path(".")) == ["a/c.png", "b.png"]
    assert found_in(Path("."), Path("./b.png")) == ["a/c.png", "b.png"]


def test_links(tmp_path):
    root = tree(tmp_path / "r", "a.png")
    tree(tmp_path / "elsewhere", "b.png")
    (root / "more").symlink_to(tmp_path / "elsewhere")
    (root / "gone.png").symlink_to(tmp_path / "nothing.png")
    found = find_images([root])
    assert [path.name for path in found.paths] == ["a.png", "gone.png"]  # told when it is read
    assert dict(found.left_out) == {"link to a folder": 1}


def test_patterns(tmp_path, monkeypatch):
    monkeypatch.chdir(tree(tmp_path, "a/1.png", "a/2.jpg", "b/3.png", "b/notes.txt", "x[1].png"))
    assert found_in(Path("*/*.png")) == ["a/1.png", "b/3.png"]
    assert found_in(Path("**/*.png")) == ["a/1.png", "b/3.png", "x[1].png"]
    assert found_in(Path("b/*")) == ["b/3.png"]
    assert found_in(Path("?")) == ["a/1.png", "a/2.jpg", "b/3.png"]
    assert found_in(Path("x[1].png")) == ["x[1].png"]  # a file of this name goes first
    with pytest.raises(DataError, match=r"Nothing matches c/\*"):
        find_images([Path("c/*")])


@pytest.mark.parametrize(
    "content",
    [b"a.png\nb/c.png\n", b"a.png\r\n\r\nb/c.png", b"\xef\xbb\xbfa.png\n./b//c.png\n",
     b"a.png\0b/c.png\0", b"a.png\n/a/../b.png\n"],
)  # fmt: skip
def test_a_list_of_lines(tmp_path, content):
    path = tmp_path / "list.txt"
    path.write_bytes(content)
    second = "/a/../b.png" if b".." in content else str(tmp_path / "b/c.png")
    assert list(listed_paths(path)) == [str(tmp_path / "a.png"), second]


@pytest.mark.parametrize("name", ["image", "path", "file_name"])
def test_a_table_of_paths(tmp_path, name):
    names = ["a.png", "b, c/ü.png", "=d.png"]
    table = pa.table({"width": [1, 2, 3], name: names})
    parquet.write_table(table, tmp_path / "list.parquet")
    lines = f'\ufeffwidth,{name},x\n1,a.png,\n2,"b, c/ü.png",\n3,=d.png,"two\nlines"\n'
    (tmp_path / "list.csv").write_text(lines, encoding="utf-8")
    for path in (tmp_path / "list.parquet", tmp_path / "list.csv"):
        assert list(listed_paths(path)) == [str(tmp_path / name) for name in names]
    codes = table.set_column(1, name, table[name].dictionary_encode())
    parquet.write_table(codes, tmp_path / "codes.parquet")
    assert list(listed_paths(tmp_path / "codes.parquet"))[1] == str(tmp_path / names[1])


@LINUX
@given(st.lists(NAMES, max_size=30), st.sampled_from([b"\n", b"\0"]), st.integers(1, 9))
def test_the_standard_input(names, separator, block):
    stream = io.BytesIO(b"".join(name + separator for name in names))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", SimpleNamespace(buffer=stream))
        if separator == b"\n":  # NUL is looked for in the first block
            patch.setattr("largeloss.runs.predict.lists._BLOCK", block)
        found = list(listed_paths(STDIN))
    assert found == [str(Path(os.fsdecode(name))) for name in names]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("l.txt", "a.png\n".encode("utf-16"), "is UTF-16"),
        ("l.txt", b"x" * 70_000, "are no path"),
        ("l.lst", b"a.png\n", "a list of images ends in .txt"),
        ("l.csv", b"", "one column of paths is needed"),
        ("l.csv", b"name,size\na,1\n", "none is among its columns name, size"),
        ("l.csv", b"path,image\na,b\n", "several are among its columns path, image"),
        ("l.csv", b"image,size\na,1\n,2\n", "row 2 names no image"),
        ("l.csv", b"image,size\na,1,2\n", "cannot be read"),
        ("l.csv", b"image\n\xff\n", "cannot be read"),
        ("l.parquet", b"PAR1", "cannot be read"),
        ("l.txt", None, "there is no such list"),
    ],
)
def test_lists_that_cannot_be_used(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        list(listed_paths(tmp_path / name))


def test_parquet_without_text(tmp_path):
    path = tmp_path / "l.parquet"
    parquet.write_table(pa.table({"image": pa.array(["a", None])}), path)
    with pytest.raises(DataError, match="row 2 names no image"):
        list(listed_paths(path))
    parquet.write_table(pa.table({"image": pa.array([[1], [2]])}), path)
    with pytest.raises(DataError, match="cannot be read"):
        list(listed_paths(path))
    (tmp_path / "d.txt").mkdir()
    with pytest.raises(DataError, match="cannot be read"):
        list(listed_paths(tmp_path / "d.txt"))


def test_images_named_twice_are_there_once(tmp_path):
    root = tree(tmp_path, "a.png", "b.png")
    (root / "l.txt").write_text("b.png\na.png\nc.png\n")
    found = find_images([root / "b.png", root], [root / "l.txt"])
    assert [path.name for path in found.paths] == ["b.png", "a.png", "c.png"]
    assert found.paths.repeated == 3
