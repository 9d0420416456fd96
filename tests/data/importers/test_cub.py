import gzip
from pathlib import Path

import numpy as np
import pytest
from trees_cub import ATTRIBUTES, EXAMPLE, write_cub

from largeloss.data.importers import cub
from largeloss.errors import DataError

LABELS = "attributes/image_attribute_labels.txt"


def expected_order() -> list[str]:
    return [name for name in EXAMPLE if EXAMPLE[name][0]] + [
        name for name in EXAMPLE if not EXAMPLE[name][0]
    ]


def test_a_small_tree(tmp_path: Path) -> None:
    found = cub.read(write_cub(tmp_path))
    assert list(found.table.images) == expected_order()
    assert found.table.classes == ATTRIBUTES
    assert found.table.is_complete
    dense = found.table.to_dense()
    for row, name in enumerate(expected_order()):
        assert np.flatnonzero(dense[row]).tolist() == sorted(EXAMPLE[name][1])
    assert {split: rows.tolist() for split, rows in found.splits.items()} == {
        "train": [0, 1, 2], "test": [3, 4],
    }  # fmt: skip
    assert found.boxes is not None
    rows, columns, corners, difficult = found.boxes
    assert rows.tolist() == [0, 1, 2, 3, 4]
    assert columns.tolist() == [-1] * 5
    assert (columns.dtype, corners.dtype) == (np.dtype("i4"), np.dtype("f4"))
    numbers = [list(EXAMPLE).index(name) + 1 for name in expected_order()]
    assert corners.tolist() == [[n, 2, n + 20.5, 32] for n in numbers]
    assert not difficult.any()
    assert found.image_root is not None
    assert all((found.image_root / name).is_file() for name in found.table.images)
    assert found.published == {"train": 5994, "test": 5794, "classes": 312}


def test_where_the_files_may_lie(tmp_path: Path) -> None:
    folder = write_cub(tmp_path, with_images=False)
    table = cub.read(folder).table
    assert cub.read(tmp_path).table == table
    (folder / "attributes.txt").write_bytes((tmp_path / "attributes.txt").read_bytes())
    (tmp_path / "attributes.txt").unlink()
    assert cub.read(tmp_path).table == table
    (folder / "attributes.txt").rename(folder / "attributes/attributes.txt")
    assert cub.read(tmp_path).table == table
    (tmp_path / "outer").mkdir()
    folder.rename(tmp_path / "outer/CUB_200_2011")
    (tmp_path / "outer").rename(tmp_path / "CUB_200_2011")
    assert cub.read(tmp_path).table == table


def test_lines_in_any_order(tmp_path: Path) -> None:
    folder = write_cub(tmp_path, with_images=False)
    found = cub.read(folder)
    for name in (LABELS, "train_test_split.txt", "bounding_boxes.txt"):
        lines = (folder / name).read_text().splitlines()
        (folder / name).write_text("\r\n".join(reversed(lines)))
    again = cub.read(folder)
    assert again.table == found.table
    assert again.boxes is not None
    assert found.boxes is not None
    np.testing.assert_array_equal(again.boxes.corners, found.boxes.corners)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("images.txt", "2 001.", "1 001.", "line 2: the number 1 occurs twice"),
        ("images.txt", "2 001.", "two 001.", "line 2: 'two 001.Black_footed_Albatross/Black"),
        ("images.txt", "0009_34", "0046_18", "0046_18.jpg' occurs twice"),
        ("images.txt", "1 001.", "1 ../001.", "image 1: the file name '../001.Black_footed"),
        ("images.txt", "1 001.", "1 /001.", "image 1: the file name '/001.Black_footed"),
        ("train_test_split.txt", "2 1", "2 2", "entry 2: 2 is neither 1 (train) nor 0 (test)"),
        ("train_test_split.txt", "2 1", "3 1", "0009_34.jpg' has 0 lines, needed are 1; 2 images"),
        ("train_test_split.txt", "2 1", "9 1", "entry 2: there is no image 9; 5 are listed"),
        ("train_test_split.txt", " 0", " 1", "there is no image of test"),
        ("train_test_split.txt", " 1", " 0", "there is no image of train"),
        ("bounding_boxes.txt", "2 2.0 2.0 20.5 30.0\n", "", "1 images are only there or only in"),
        ("bounding_boxes.txt", "20.5 30.0\n5", "0 30.0\n5", "the box of image 4 is '4.0 2.0 0 3"),
        ("bounding_boxes.txt", "20.5 30.0\n5", "20.5\n5", "the box of image 4 is '4.0 2.0 20.5'"),
        ("bounding_boxes.txt", "20.5 30.0\n5", "nan 1\n5", "the box of image 4 is '4.0 2.0 nan"),
        (LABELS, "\n2 3 0 ", "\n2 3 2 ", "entry 12: 2 is no is_present, which is 1 or 0"),
        (LABELS, "\n2 3 0 ", "\n2 4 0 ", "0009_34.jpg' has the attribute 'has_wing_color::dagger'"),
        (LABELS, "\n2 3 0 ", "\n2 10 0 ", "entry 12: there is no attribute 10; 9 are listed"),
        (LABELS, "\n2 3 0 ", "\n7 3 0 ", "entry 12: there is no image 7; 5 are listed"),
        (LABELS, "\n2 3 0 ", "\n2 3.0 0 ", "needed are whole numbers between blanks (could"),
        (LABELS, "\n2 3 0 3 27.7080", "",
         "0009_34.jpg' has 8 lines, needed are 9; 1 images are not"),
    ],
)  # fmt: skip
def test_files_that_are_refused(
    tmp_path: Path, name: str, old: str, new: str, message: str
) -> None:
    path = write_cub(tmp_path, with_images=False) / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(DataError) as caught:
        cub.read(tmp_path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"lacks images\.txt, train_test_split\.txt, bounding_bo"):
        cub.read(tmp_path)
    folder = write_cub(tmp_path, with_images=False)
    (tmp_path / "attributes.txt").write_bytes(b"1 \xff")
    with pytest.raises(DataError, match="cannot be read"):
        cub.read(tmp_path)
    (tmp_path / "attributes.txt").write_text("\n")
    with pytest.raises(DataError, match="the list is empty"):
        cub.read(tmp_path)
    (tmp_path / "attributes.txt").unlink()
    with pytest.raises(DataError, match=r"There is no attributes\.txt"):
        cub.read(tmp_path)
    (folder / LABELS).unlink()
    with pytest.raises(DataError, match=r"lacks attributes/image_attribute_labels\.txt"):
        cub.read(tmp_path)


def test_real_attributes_of_the_first_test_images(real_data: Path, tmp_path: Path) -> None:
    images: dict[str, tuple[bool, list[int]]] = {}
    with gzip.open(real_data / "labels/cub-test-attributes.txt.gz", "rt") as file:
        for line, _ in zip(file, range(50), strict=False):
            name, _, numbers = line.partition(",")
            images[name] = (False, [int(number) for number in numbers.split()])
    images["001.Black_footed_Albatross/in_train.jpg"] = (True, [])
    attributes = [f"has_part::look_{number}" for number in range(312)]
    write_cub(tmp_path, images, attributes=attributes, with_images=False)
    found = cub.read(tmp_path)
    assert found.table.shape == (51, 312)
    assert len(found.splits["test"]) == 50
    dense = found.table.to_dense()
    for row, name in enumerate(found.table.images):
        assert np.flatnonzero(dense[row]).tolist() == images[name][1]
