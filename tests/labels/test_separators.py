"""Lists whose tags stand between commas or the like: refused where certain, else noted."""

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from largeloss.errors import LabelError
from largeloss.labels import read_labels
from largeloss.labels.files.read import LabelFile


def read(path: Path, *cells: str) -> LabelFile:
    lines = [f'{row}.jpg,"{cell}"' for row, cell in enumerate(cells)]
    path.write_text("\n".join(["image,labels", *lines]) + "\n")
    return read_labels(path, unlisted="unknown")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "labels.csv"


@pytest.mark.parametrize("mark", [",", ", ", "|", " | ", "\t"])
@pytest.mark.parametrize(
    ("cells", "line"),
    [
        (["cat;car", "dog,cat", "dog;owl"], 3),  # both parts are tags
        (["owl", "owl", "cat", "dog", "cat,dog"], 6),
        (["cat,car", "car,cat,dog"], None),  # no part is a tag of its own
        (["cat,car", "owl", "car,dog", "dog,cat"], None),
        (["cat,", "dog", "cat,dog"], 4),
    ],
)
def test_other_separators_are_refused(path, mark, cells, line):
    cells = [cell.replace(",", mark) for cell in cells]
    with pytest.raises(LabelError, match=r"holds .*one cell write ';': '\w+;\w+") as raised:
        read(path, *cells)
    if line:
        assert f"labels.csv, line {line}: the tag" in str(raised.value)


@pytest.mark.parametrize(
    "cells",
    [
        ["Dog, small;Cat", "Dog;Cat"],
        ["Dog, small", "Dog, large", "Cat, small", "Cat, large", "Dog"],
        ["cat,dog", "cat,car"],  # nothing tells what it is
        ["Atlanta, Georgia;sea", "Georgia, USA"],
        ["cat", "dog,", ",owl"],
        ["cat,car", "owl", "car,dog"],
        [
            "blade, vane",
            "blade",
            "vane",
            "crayfish, crawdad",
            "spiny lobster, crayfish",
            "kite, bird",
        ],
        ["Smith, John", "John, Elton"],
    ],
)
def test_what_may_be_one_class_is_noted(path, cells):
    found = read(path, *cells)
    (note,) = found.notes
    assert "hold" in note
    assert f"for example {next(name for name in found.table.classes if ',' in name)!r}" in note
    assert "';' between them" in note or "',' is no part of the name, write '" in note
    assert set(found.table.classes) == {tag for cell in cells for tag in cell.split(";")}


@pytest.mark.parametrize(
    "cells",
    [
        ["fire truck", "fire", "truck", "dog"],
        ["orange juice", "blood orange", "juice", "dog"],
        ["brown dog", "white dog", "brown cat", "white cat", "black dog", "black cat"],
        ["fire truck;fire", "truck fire"],
    ],
)
def test_blanks_in_names_are_no_matter(path, cells):
    assert read(path, *cells).notes == ()


def test_a_comma_behind_a_tag(path):
    with pytest.raises(LabelError, match="the tag 'cat,' holds ',', and 'cat' is a tag, too"):
        read(path, "cat;dog", "cat,")


def test_lists_between_blanks_are_noted(path):
    cells = ["cat car", "car", "car dog", "cat dog", "dog", "cat"]
    (note,) = read(path, *cells).notes
    assert "3 tags are made of the same 3 words, for example 'car dog'" in note


def test_many_names_with_commas_are_no_long_work(path):
    numbers = range(20_000)
    (note,) = read(path, *(f"w{number}, x{number}" for number in numbers)).notes
    assert "20,000 tags hold ','" in note


@pytest.mark.parametrize(
    "cell", ["['cat', 'dog']", "['cat']", "['cat' 'dog']", "('cat',)", "{'cat', 'dog'}"]
)
def test_lists_as_python_prints_them(path, cell):
    with pytest.raises(LabelError, match=r"line 3: .* as Python prints it.*str\.join\(';'\)"):
        read(path, "cat", cell)


def test_lists_of_strings_say_what_they_mean(tmp_path):
    path = tmp_path / "labels.parquet"
    labels = pa.array([["cat", "dog"], ["cat,dog"], ["['cat']"]])
    parquet.write_table(pa.table({"image": ["a", "b", "c"], "labels": labels}), path)
    found = read_labels(path, unlisted="unknown")
    assert found.table.classes == ("['cat']", "cat", "cat,dog", "dog")
    assert found.notes == ()
    parquet.write_table(pa.table({"image": ["a", "b"], "labels": ["cat,dog", "dog,cat"]}), path)
    with pytest.raises(LabelError, match=r"row 1: the tag 'cat,dog'"):
        read_labels(path, unlisted="unknown")


def test_too_many_fields_of_a_list_say_what_separates_tags(path):
    path.write_text("image,labels\na.jpg,cat,dog\n")
    with pytest.raises(LabelError, match=r"line 2: 3 fields.* the tags of one cell write ';'"):
        read_labels(path, unlisted="unknown")
