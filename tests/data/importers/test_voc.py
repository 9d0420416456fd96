"""Pascal VOC: what is read of a tree, and what is refused."""

import csv
import gzip
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trees_voc import CLASSES, Drawn, Thing, make_images, write_annotation, write_voc

from largeloss.data.importers import voc
from largeloss.data.importers.imported import Imported
from largeloss.errors import ConfigError, DataError

DOG = [Thing("dog")]


def positives(found: Imported) -> dict[str, set[str]]:
    """The present classes of each image, by a plain loop over the table."""
    return {
        name: {found.table.classes[c] for c, state in enumerate(row) if state == 1}
        for name, row in zip(found.table.images, found.table.to_dense().tolist(), strict=True)
    }


def expected(images: Drawn) -> dict[str, set[str]]:
    """The protocol, by a plain loop."""
    present = {
        f"{name}.jpg": {thing.name for thing in things if not thing.difficult}
        for name, things in images.items()
    }
    return {name: present[name] for name in sorted(present) if present[name]}


@pytest.mark.parametrize(
    ("year", "sizes"),
    [(2012, {"train": 5717, "test": 5823}), (2007, {"train": 5011, "test": 4952})],
)
def test_a_tree_is_read(tmp_path: Path, year: int, sizes: dict[str, int]) -> None:
    folder = write_voc(tmp_path, year)
    found = voc.read(tmp_path, year)
    train, test = expected(make_images(year, 1, 20)), expected(make_images(year, 101, 10))
    assert found.name == f"voc{year}"
    assert positives(found) == train | test
    assert list(found.table.images) == [*train, *test]
    assert list(found.table.classes) == CLASSES == sorted(CLASSES)
    assert found.table.is_complete
    assert found.splits["train"].tolist() == list(range(20))
    assert found.splits["test"].tolist() == list(range(20, 30))
    assert found.image_root == folder / "JPEGImages"
    assert all((found.image_root / name).is_file() for name in found.table.images)
    assert found.published == {**sizes, "classes": 20}
    assert found.notes == (
        "6 of 51 objects are marked difficult: they make no label, but stay among the boxes.",
    )


def test_boxes_count_from_zero_and_end_after_the_last_pixel(tmp_path: Path) -> None:
    things = [
        Thing("cat", (1, 1, 16, 12)),
        Thing("dog", ("45.7", 2, 2000, 8)),
        Thing("dog", (0, 5, 5, 5), difficult=True),
    ]
    write_voc(tmp_path, 2012, {"b": DOG, "a": things}, {"c": DOG})
    boxes = voc.read(tmp_path, 2012).boxes
    assert boxes is not None
    assert boxes.rows.tolist() == [0, 0, 0, 1, 2]
    assert [CLASSES[column] for column in boxes.columns] == ["cat", "dog", "dog", "dog", "dog"]
    corners = np.array([[0, 0, 16, 12], [44.7, 1, 2000, 8], [0, 4, 5, 5]], dtype=np.float32)
    np.testing.assert_array_equal(boxes.corners[:3], corners)
    assert boxes.difficult.tolist() == [False, False, True, False, False]


def test_difficult_objects_make_no_label_and_may_leave_a_image_out(tmp_path: Path) -> None:
    hard = Thing("cat", difficult=True)
    train = {"c": [hard], "b": [hard, *DOG], "a": [], "d": [hard, Thing("cat")]}
    write_voc(tmp_path, 2012, train, {"e": DOG, "f": [hard]})
    found = voc.read(tmp_path, 2012)
    assert positives(found) == {"b.jpg": {"dog"}, "d.jpg": {"cat"}, "e.jpg": {"dog"}}
    assert found.boxes is not None
    assert found.boxes.rows.tolist() == [0, 0, 1, 1, 2]
    assert found.boxes.difficult.tolist() == [True, False, True, False, False]
    assert found.notes == (
        "2 of 4 images of the official train list have no object that is not difficult and "
        "are left out.",
        "1 of 2 images of the official val list have no object that is not difficult and are "
        "left out.",
        "2 of 5 objects are marked difficult: they make no label, but stay among the boxes.",
    )


@settings(max_examples=20)
@given(
    st.dictionaries(
        st.from_regex(r"[0-9a-z_][0-9a-z_.-]{0,5}", fullmatch=True),
        st.lists(
            st.builds(Thing, st.sampled_from(CLASSES), st.just((3, 2, 10, 8)), st.booleans()),
            min_size=1, max_size=4,
        ),
        min_size=1, max_size=6,
    )
)  # fmt: skip
def test_any_tree_is_read_as_the_plain_loop_does(
    tmp_path_factory: pytest.TempPathFactory, train: Drawn
) -> None:
    train = {**train, "A": DOG}
    root = tmp_path_factory.mktemp("voc")
    write_voc(root, 2012, train, {"B": DOG})
    found = voc.read(root, 2012)
    assert list(positives(found).items()) == [*expected(train).items(), ("B.jpg", {"dog"})]


def test_the_tree_is_found_from_three_places(tmp_path: Path) -> None:
    folder = write_voc(tmp_path / "VOCdevkit", 2012)
    (tmp_path / "Annotations").mkdir()  # of something else
    tables = {voc.read(root, 2012).table for root in (tmp_path, tmp_path / "VOCdevkit", folder)}
    assert len(tables) == 1
    renamed = folder.rename(tmp_path / "mine")
    assert voc.read(renamed, 2012).table in tables


def test_what_is_ignored(tmp_path: Path) -> None:
    folder = write_voc(tmp_path, 2012, {"a": DOG}, {"b": DOG})
    (folder / "ImageSets/Main/train.txt").write_bytes(b"\xef\xbb\xbfa \r\n\r\n")
    (folder / "Annotations/a.xml").write_text(
        "<annotation><object><name> dog </name><part><name>head</name><bndbox><xmin>1</xmin>"
        "</bndbox></part><bndbox><ymax>8</ymax><xmax>9</xmax><ymin>1</ymin><xmin>3</xmin></bndbox>"
        "</object></annotation>"
    )
    found = voc.read(tmp_path, 2012)
    assert positives(found)["a.jpg"] == {"dog"}
    assert found.boxes is not None
    assert found.boxes.corners[0].tolist() == [2, 0, 9, 8]


def test_other_years(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="for 2007 and 2012, got 2010"):
        voc.read(tmp_path, 2010)


def test_no_tree(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no VOC 2012 in it; none of these is a folder: ") as e:
        voc.read(tmp_path, 2012)
    for looked_for in ("", "VOC2012/", "VOCdevkit/VOC2012/"):
        assert f"{tmp_path}/{looked_for}ImageSets/Main" in str(e.value)
    assert "VOCtrainval_11-May-2012.tar" in str(e.value)


def test_a_tree_of_another_year(tmp_path: Path) -> None:
    folder = write_voc(tmp_path, 2012)
    with pytest.raises(DataError, match="has no VOC 2007 in it"):
        voc.read(folder, 2007)


def test_half_a_tree(tmp_path: Path) -> None:
    folder = write_voc(tmp_path, 2012)
    (folder / "JPEGImages").rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=r"VOC2012 has no folder JPEGImages"):
        voc.read(tmp_path, 2012)


def test_the_test_half_of_2007_is_another_archive(tmp_path: Path) -> None:
    folder = write_voc(tmp_path, 2007)
    for name in make_images(2007, 101, 10):
        (folder / f"Annotations/{name}.xml").unlink()
    archive = r"http://host\.robots\.ox\.ac\.uk/pascal/VOC/voc2007/VOCtest_06-Nov-2007\.tar"
    with pytest.raises(
        DataError,
        match=rf"10 of 10 .* of the test list are missing: 000101\.xml(?s:.*)curl -C.*{archive}",
    ):
        voc.read(tmp_path, 2007)
    (folder / "ImageSets/Main/test.txt").unlink()
    with pytest.raises(DataError, match=rf"test\.txt: there is no such file(?s:.*){archive}"):
        voc.read(tmp_path, 2007)


def test_missing_annotations_are_named(tmp_path: Path) -> None:
    folder = write_voc(tmp_path, 2012)
    for path in sorted((folder / "Annotations").iterdir())[:12]:
        path.unlink()
    with pytest.raises(
        DataError, match=r"12 of 20 .* train list are missing: 2008_000001\.xml,.*_000010\.xml, …\."
    ):
        voc.read(tmp_path, 2012)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"train\.txt: the list is empty"),
        (b"\n \n", r"train\.txt: the list is empty"),
        (b"a\n../../secret\n", r"train\.txt, line 2: the file name '\.\./\.\./secret' leads out"),
        (b"/etc/passwd\n", r"line 1: the file name '/etc/passwd' leads out"),
        (b"a\0\n", r"line 1: the file name 'a\\x00' has a character"),
        (b"a\n\na\n", r"line 3: 'a' stands in line 1 already"),
        (b"a  1\n", r"train\.txt: one name was expected on a line, got 'a  1'"),
        (b"a\nb\n", r"1 images are both in train and in test, for example 'b\.jpg'"),
        (b"\xff\xfe\n", r"train\.txt: cannot be read"),
    ],
)
def test_lists_that_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    folder = write_voc(tmp_path, 2012, {"a": DOG}, {"b": DOG})
    (folder / "ImageSets/Main/train.txt").write_bytes(content)
    with pytest.raises(DataError, match=message):
        voc.read(tmp_path, 2012)


ENTITY = "<!DOCTYPE annotation [<!ENTITY x {}>]><annotation><folder>&x;</folder></annotation>"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not readable as XML"),
        (b"<annotation><object>", "not readable as XML"),
        (b"\x89PNG\r\n", "not readable as XML"),
        (b'<?xml version="1.0" encoding="nonsense"?><annotation/>', "not readable as XML"),
        (b'<?xml version="1.0" encoding="big5"?><annotation/>', "not readable as XML"),
        (b"<annotation>\xff</annotation>", "not readable as XML"),
        (b"<annotation>&x;</annotation>", "not readable as XML"),
        (b"<html/>", "the root must be <annotation>, got <html>"),
        (ENTITY.format('SYSTEM "file:///etc/passwd"').encode(), "declares a document type"),
        (ENTITY.format('"' + "a" * 9999 + '"').encode(), "declares a document type"),
        (b'<!DOCTYPE annotation SYSTEM "http://example.org/a.dtd"><annotation/>',
         "declares a document type"),
        (b"<!DOCTYPE annotation><annotation/>", r"declares a document type.*DTDForbidden"),
    ],
)  # fmt: skip
def test_xml_that_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    folder = write_voc(tmp_path, 2012, {"a": DOG}, {"b": DOG})
    (folder / "Annotations/a.xml").write_bytes(content)
    with pytest.raises(DataError, match=rf"(?s)train list.*: 1\..*a\.xml: .*{message}"):
        voc.read(tmp_path, 2012)


def test_an_annotation_that_is_a_folder(tmp_path: Path) -> None:
    folder = write_voc(tmp_path, 2012, {"a": DOG}, {"b": DOG})
    (folder / "Annotations/a.xml").unlink()
    (folder / "Annotations/a.xml").mkdir()
    with pytest.raises(DataError, match=r"a\.xml: cannot be read \(it is a folder"):
        voc.read(tmp_path, 2012)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<name>dog</name>", "<name>dgo</name>", r"unknown class 'dgo'\. Did you mean 'dog'\?"),
        ("<name>dog</name>", "", "<object> has no <name>"),
        ("bndbox>", "box>", r"\(dog\): there is no <bndbox>"),
        ("<xmin>3</xmin>", "", "<bndbox> has no <xmin>"),
        ("<xmin>3<", "<xmin>three<", "<xmin> must be a number from 0 to 1,000,000, got 'three'"),
        ("<ymin>2<", "<ymin>nan<", "<ymin> must be a number .*, got 'nan'"),
        ("<xmax>10<", "<xmax>inf<", "<xmax> must be a number .*, got 'inf'"),
        ("<ymax>8<", "<ymax>-8<", "<ymax> must be a number .*, got '-8'"),
        ("<xmax>10<", "<xmax>1<", r"<bndbox> runs from \(3, 2\) back to \(1, 8\)"),
        ("<difficult>0<", "<difficult>no<", "<difficult> must be 0 or 1, got 'no'"),
    ],
)
def test_objects_that_are_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    folder = write_voc(tmp_path, 2012, {"a": [Thing("cat"), *DOG]}, {"b": DOG})
    path = folder / "Annotations/a.xml"
    before, after = path.read_text().split("</object>", 1)
    assert old in after
    path.write_text(f"{before}</object>{after.replace(old, new)}")
    with pytest.raises(DataError, match=rf"a\.xml, object 2.*{message}"):
        voc.read(tmp_path, 2012)


@pytest.mark.parametrize(("num", "told", "count"), [(3, 3, "3"), (15, 10, "10 or more")])
def test_several_problems_are_told_at_once(tmp_path: Path, num: int, told: int, count: str) -> None:
    folder = write_voc(tmp_path, 2012)
    for row in range(1, num + 1):
        write_annotation(folder, f"2008_{row:06d}", [Thing("elk")])
    with pytest.raises(DataError, match=f"cannot be used: {count}\\.") as caught:
        voc.read(tmp_path, 2012)
    assert str(caught.value).count("unknown class 'elk'") == told


def test_a_split_without_any_label(tmp_path: Path) -> None:
    write_voc(tmp_path, 2012, {"a": DOG}, {"b": [Thing("dog", difficult=True)]})
    with pytest.raises(DataError, match=r"the official val list has any object that is not diffic"):
        voc.read(tmp_path, 2012)


@pytest.mark.parametrize("year", [2007, 2012])
def test_published_labels_come_back(real_data: Path, tmp_path: Path, year: int) -> None:
    """The first rows of the published lists, written as a tree and read again."""
    splits: dict[str, dict[str, list[Thing]]] = {"train": {}, "test": {}}
    states: dict[str, dict[str, str]] = {}
    with gzip.open(real_data / f"labels/voc{year}.csv.gz", "rt") as opened:
        for line in csv.DictReader(opened):
            split = "test" if line["split"] in ("test", "val") and (
                year == 2012 or line["split"] == "test"
            ) else "train"  # fmt: skip
            if len(splits[split]) == 300 or line["split"] == "none":
                continue
            states[f"{line['image']}.jpg"] = {name: line[name] for name in CLASSES}
            # In the list of 2007 a 0 is an object that is difficult; in that of 2012 it is none.
            seen = ("1", "0") if year == 2007 else ("1",)
            splits[split][line["image"]] = [
                Thing(name, difficult=line[name] == "0") for name in CLASSES if line[name] in seen
            ]
    assert {name: len(images) for name, images in splits.items()} == {"train": 300, "test": 300}
    order = list(splits["train"].items())
    random.Random(0).shuffle(order)
    write_voc(tmp_path, year, dict(order), splits["test"])
    found = voc.read(tmp_path, year)
    labelled = {name for name, row in states.items() if "1" in row.values()}
    assert set(found.table.images) == labelled
    for name, row in zip(found.table.images, found.table.to_dense().tolist(), strict=True):
        assert row == [int(states[name][label] == "1") for label in CLASSES]
    for rows in found.splits.values():
        names = [found.table.images[row] for row in rows]
        assert names == sorted(names)
    assert found.boxes is not None
    if year == 2007:
        assert found.boxes.difficult.any()
