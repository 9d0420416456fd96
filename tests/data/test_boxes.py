"""Boxes come back as they were written."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from largeloss.data.folder.boxes import Boxes, read_boxes, write_boxes
from largeloss.errors import DataError
from largeloss.labels import LabelTable

TABLE = LabelTable.from_dense([[1, 0], [0, 1], [1, 1]], ["x", "y", "z"], ["cat", "dog"])
BOXES = Boxes(
    np.array([0, 0, 2]),
    np.array([1, -1, 0], dtype=np.int32),
    np.array([[0, 1, 2.5, 3], [4, 5, 6, 7], [8, 9, 10, 11]], dtype=np.float32),
    np.array([False, True, False]),
)


def same(found, expected) -> bool:
    return all(
        np.array_equal(ours, theirs) and ours.dtype == theirs.dtype
        for ours, theirs in zip(found, expected, strict=True)
    )


def test_there_and_back(tmp_path: Path) -> None:
    path = tmp_path / "boxes.parquet"
    write_boxes(path, BOXES, TABLE)
    assert same(read_boxes(path, TABLE), BOXES)
    content = parquet.read_table(path).to_pydict()
    assert content["image"] == ["x", "x", "z"]
    assert content["class"] == ["dog", None, "cat"]
    assert content["left"] == [0, 4, 8]
    assert content["bottom"] == [3, 7, 11]


def test_other_images_and_classes_are_left_out_and_rows_sorted(tmp_path: Path) -> None:
    path = tmp_path / "boxes.parquet"
    write_boxes(path, BOXES, TABLE)
    found = read_boxes(path, TABLE.select([2, 0]).select_classes(["cat"]))
    assert found.rows.tolist() == [0, 1]
    assert found.columns.tolist() == [0, -1]
    assert found.corners[:, 0].tolist() == [8, 4]


def test_no_boxes(tmp_path: Path) -> None:
    path = tmp_path / "boxes.parquet"
    nothing = Boxes(*(column[:0] for column in BOXES))  # type: ignore[arg-type]
    write_boxes(path, nothing, TABLE)
    assert same(read_boxes(path, TABLE), nothing)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"left": None}, "has no column left; needed are image, class"),
        ({"left": ["a", "b", "c"]}, "a column is of a type that cannot be used"),
        ({"left": [0.0, None, 1.0]}, "sides of boxes must be finite"),
        ({"right": [0.0, float("inf"), 1.0]}, "sides of boxes must be finite"),
        ({"difficult": [True, None, False]}, "must be finite numbers, and 'difficult' true"),
    ],
)
def test_files_that_are_wrong(tmp_path: Path, change: dict[str, object], message: str) -> None:
    path = tmp_path / "boxes.parquet"
    write_boxes(path, BOXES, TABLE)
    content = parquet.read_table(path).to_pydict() | change
    kept = {name: values for name, values in content.items() if values is not None}
    parquet.write_table(pa.table(kept), path)
    with pytest.raises(DataError, match=message):
        read_boxes(path, TABLE)


def test_no_parquet(tmp_path: Path) -> None:
    path = tmp_path / "boxes.parquet"
    for content in (None, b"nonsense"):
        if content:
            path.write_bytes(content)
        with pytest.raises(DataError, match="no readable Parquet file"):
            read_boxes(path, TABLE)
