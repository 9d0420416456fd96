"""Subsets of a collection, joined; what readers of official releases share."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from largeloss.data.folder.boxes import Boxes
from largeloss.data.importers.imported import Imported, Subset
from largeloss.data.importers.official_release import (
    check_inside,
    positions_of_ids,
    read_numbers,
)
from largeloss.errors import DataError

CLASSES = ("a", "b", "c")


@st.composite
def subsets(draw: st.DrawFn, prefix: str) -> Subset:
    num = draw(st.integers(0, 6))
    cells = st.lists(st.integers(0, 1), min_size=3, max_size=3)
    labels = draw(st.lists(cells, min_size=num, max_size=num))
    rows = draw(st.lists(st.integers(0, num - 1), max_size=8)) if num else []
    count = len(rows)
    boxes = Boxes(
        np.array(rows, dtype=np.int64),
        np.arange(count, dtype=np.int32) % 3,
        np.arange(4 * count, dtype=np.float32).reshape(-1, 4),
        np.arange(count) % 2 == 0,
    )
    images = [f"{prefix}{row}" for row in range(num)]
    return Subset(images, np.array(labels, dtype=np.int8).reshape(-1, 3), boxes)


def things_of(images: list[str], boxes: Boxes) -> dict[str, list[tuple[object, ...]]]:
    found: dict[str, list[tuple[object, ...]]] = {name: [] for name in images}
    for row, column, corners, difficult in zip(*boxes, strict=True):
        found[images[row]].append((int(column), tuple(corners.tolist()), bool(difficult)))
    return found


@given(subsets("x"), subsets("y"))
def test_joining_keeps_every_label_and_box_of_a_labelled_image(train: Subset, test: Subset) -> None:
    assume((train.labels == 1).any() and (test.labels == 1).any())
    kept = {"train": train.labelled("x", "label")[0], "test": test.labelled("y", "label")[0]}
    joined = Imported.of_subsets(kept, CLASSES, "here", name="both")
    table, splits, boxes = joined.table, joined.splits, joined.boxes
    if boxes is None:
        boxes = kept["train"].boxes
    assert boxes is not None
    labels, things = {}, {}
    for part in (train, test):
        assert part.boxes is not None
        before = things_of(list(part.images), part.boxes)
        for name, row in zip(part.images, part.labels.tolist(), strict=True):
            if 1 in row:
                labels[name], things[name] = row, before[name]
    assert list(table.images) == list(labels)
    assert table.to_dense().tolist() == list(labels.values())
    assert table.is_complete
    assert things_of(list(table.images), boxes) == things
    assert (np.diff(boxes.rows) >= 0).all()
    assert [array.dtype for array in boxes] == [np.int64, np.int32, np.float32, np.bool_]
    assert [table.images[row][0] for row in splits["train"]] == ["x"] * len(splits["train"])
    assert np.concatenate([splits["train"], splits["test"]]).tolist() == list(range(len(labels)))


@pytest.mark.parametrize(
    "name", ["a.jpg", "a/b.jpg", "..a.jpg", "a b.jpg", "ü.jpg", "4\u202fPM.png", "\ue000.png"]
)
def test_names_inside(name: str) -> None:
    check_inside(name, "list")


@pytest.mark.parametrize(
    "name",
    ["", "/a.jpg", "../a.jpg", "a/../../b.jpg", "./a.jpg", "a//b.jpg", "a/", "..", "..\\a.jpg",
     "C:/a.jpg", "C:a.jpg", "a\0.jpg", "a\n.jpg", "\ud800.jpg"],
)  # fmt: skip
def test_names_that_lead_outside(name: str) -> None:
    with pytest.raises(DataError, match=r"^list, line 3: the file name .*correct the list"):
        check_inside(name, "list, line 3")


@pytest.mark.parametrize(
    ("name", "what"),
    [("a\u200e.jpg", r"cannot be seen, U\+200E"), ("b\\a.jpg", "has a backslash; correct")],
)
def test_names_that_nobody_can_use(name: str, what: str) -> None:
    with pytest.raises(DataError, match=what):
        check_inside(name, "list")


def test_an_image_in_two_subsets() -> None:
    one = Subset(["x.jpg", "y.jpg"], np.ones((2, 1), dtype=np.int8))
    other = Subset(["z.jpg", "y.jpg"], np.ones((2, 1), dtype=np.int8))
    with pytest.raises(DataError, match=r"^here: 1 images are both in train and in test, for .*'y"):
        Imported.of_subsets({"train": one, "test": other}, ["a"], "here", name="both")


def test_numbers_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "numbers.txt"
    path.write_bytes(b"1 2 3\r\n\n4 \t5  6 7 8\n")
    assert read_numbers(path, (0, 2)).tolist() == [[1, 3], [4, 6]]
    path.write_text("7\n8\n")
    assert read_numbers(path).tolist() == [[7], [8]]


@pytest.mark.parametrize("content", [b"", b"\n \n", b"1 2\n3\n", b"1 two\n", b"1 2.5\n", b"1 \xff",
                                     b"1 99999999999999999999\n", b"1 # 2\n"])  # fmt: skip
def test_files_that_hold_no_numbers(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "numbers.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"numbers\.txt: needed are whole numbers between blanks"):
        read_numbers(path, (0, 1))


@given(st.lists(st.integers(0, 30), unique=True), st.lists(st.integers(-3, 33)))
def test_positions_of_ids_against_a_plain_loop(known: list[int], wanted: list[int]) -> None:
    found = positions_of_ids(np.array(wanted, dtype=np.int64), np.array(known, dtype=np.int64))
    assert found.tolist() == [known.index(one) if one in known else -1 for one in wanted]
