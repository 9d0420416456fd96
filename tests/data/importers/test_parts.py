"""Parts of a collection, joined; file names of lists."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from largeloss.data.importers.imported import Boxes
from largeloss.data.importers.inside import check_inside
from largeloss.data.importers.parts import Part, join_parts, without_unlabelled
from largeloss.errors import DataError

CLASSES = ("a", "b", "c")


@st.composite
def parts(draw: st.DrawFn, prefix: str) -> Part:
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
    return Part(images, np.array(labels, dtype=np.int8).reshape(-1, 3), boxes)


def things_of(images: list[str], boxes: Boxes) -> dict[str, list[tuple[object, ...]]]:
    found: dict[str, list[tuple[object, ...]]] = {name: [] for name in images}
    for row, column, corners, difficult in zip(*boxes, strict=True):
        found[images[row]].append((int(column), tuple(corners.tolist()), bool(difficult)))
    return found


@given(parts("x"), parts("y"))
def test_joining_keeps_every_label_and_box_of_a_labelled_image(train: Part, test: Part) -> None:
    kept = {"train": without_unlabelled(train), "test": without_unlabelled(test)}
    table, splits, boxes = join_parts(kept, CLASSES)
    labels, things = {}, {}
    for part in (train, test):
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


@pytest.mark.parametrize("name", ["a.jpg", "a/b.jpg", "..a.jpg", "a b.jpg", "ü.jpg"])
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
