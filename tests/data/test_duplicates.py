"""Files with the same bytes, against a comparison of all pairs."""

from hypothesis import given
from hypothesis import strategies as st

from largeloss.data.examine.duplicates import BEGINNING, identical_files


@given(st.lists(st.sampled_from([b"", b"a", b"b", b"aa", b"ab", b"abc"]), max_size=9))
def test_identical_files_equal_a_comparison_of_all_pairs(tmp_path_factory, contents):
    root = tmp_path_factory.mktemp("files")
    paths = []
    for number, content in enumerate(contents):
        paths.append(root / str(number))
        paths[-1].write_bytes(content)
    groups = identical_files(paths)
    pairs = {(a, b) for group in groups for a in group for b in group if a < b}
    assert pairs == {
        (a, b)
        for a in range(len(contents))
        for b in range(a + 1, len(contents))
        if contents[a] == contents[b] != b""
    }


def test_files_that_differ_late_are_not_the_same(tmp_path):
    contents = [bytes(BEGINNING) + b"a", bytes(BEGINNING) + b"b", bytes(BEGINNING) + b"a"]
    paths = [tmp_path / name for name in "abc"]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    assert identical_files(paths) == [[0, 2]]


def test_what_cannot_be_read_has_no_duplicates(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "other").mkdir()
    names = ["folder", "other", "gone", "gone", "nul\0"]
    assert identical_files([tmp_path / name for name in names]) == []


def test_only_files_of_one_size_are_read(tmp_path, monkeypatch):
    for name in ("a", "bb", "ccc"):
        (tmp_path / name).write_text(name)
    monkeypatch.setattr("largeloss.data.examine.duplicates._beginning", None)
    assert identical_files([tmp_path / name for name in ("a", "bb", "ccc")]) == []
