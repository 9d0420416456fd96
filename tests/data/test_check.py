"""The examination against plain loops, and every sentence that it can say."""

import json
import re
import tracemalloc
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from largeloss.data import Dataset, FeatureArray, ImageFiles, read_folder
from largeloss.data.examine.examination import Examination, examine
from largeloss.errors import DataError, LabelError
from largeloss.labels import LabelTable
from largeloss.labels.names import spelling_remark

SPLITS = ("train", "val", "test")


def data_of(dense, splits: dict[str, list[int]]) -> Dataset:
    """Features with these labels."""
    table = LabelTable.from_dense(dense, classes=[f"c{i}" for i in range(np.shape(dense)[1])])
    rows = {name: np.array(own, dtype=np.int64) for name, own in splits.items()}
    return Dataset("some", FeatureArray(torch.zeros(table.num_images, 2)), table, rows)


def examined(dense: object, **splits: list[int]) -> Examination:
    return examine(data_of(dense, splits or {"train": list(range(len(np.asarray(dense))))}))


def images_of(root: Path, files: dict[str, bytes], labels: object, splits: str) -> Dataset:
    """Image files with one class "x"; ``splits`` has one letter, t, v or e, an image."""
    for name, content in files.items():
        (root / name).write_bytes(content)
    table = LabelTable.from_dense(labels, images=files, classes=["x"])
    rows = {
        name: np.array([row for row, short in enumerate(splits) if short == letter], dtype=np.int64)
        for letter, name in zip("tve", SPLITS, strict=True)
        if letter in splits
    }
    return Dataset("some", ImageFiles(tuple(root / name for name in files), 8), table, rows)


def png(value: int, size: tuple[int, int] = (6, 4)) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, (value, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


@given(
    hnp.arrays(
        np.int8,
        st.tuples(st.integers(1, 9), st.integers(1, 5)),
        elements=st.sampled_from([-1, 0, 1]),
    ),
    st.data(),
)
def test_counts_equal_plain_loops(dense, data):
    chosen = data.draw(
        st.lists(
            st.sampled_from([*SPLITS, ""]),
            min_size=len(dense),
            max_size=len(dense),
        )
    )
    splits = {
        name: [row for row, own in enumerate(chosen) if own == name]
        for name in SPLITS
        if name in chosen
    }
    if not splits:
        return
    found = examine(data_of(dense, splits))
    for name, rows in splits.items():
        part, counts = dense[rows].tolist(), found.splits[name]
        assert counts.images == len(rows)
        assert counts.unlabelled == sum(all(v == -1 for v in line) for line in part)
        assert counts.without_present == sum(1 not in line for line in part)
        assert counts.mean_present == pytest.approx(sum(li.count(1) for li in part) / len(part))
        assert counts.most_present == max(line.count(1) for line in part)
        columns = list(zip(*part, strict=True))
        assert counts.present == tuple(column.count(1) for column in columns)
        assert counts.absent == tuple(column.count(0) for column in columns)
        assert counts.unobserved == tuple(column.count(-1) for column in columns)
        assert counts.never_present == tuple(
            f"c{i}" for i, column in enumerate(columns) if 1 not in column
        )
        assert counts.never_observed == tuple(
            f"c{i}" for i, column in enumerate(columns) if set(column) == {-1}
        )
    inside, outside = set(), set()
    for row, name in enumerate(chosen):
        have = {f"c{i}" for i, value in enumerate(dense[row]) if value == 1}
        if name:
            (inside if name == "train" else outside).update(have)
    assert set(found.never_in_train) == (outside - inside if "train" in splits else set())
    assert set(found.train_only) == (inside - outside if set(splits) > {"train"} else set())
    assert found.image_statistics is None
    assert found.duplicates is None
    json.dumps(found.as_json(), allow_nan=False)


def test_many_classes_stay_sparse():
    num, wide = 20_000, 5000
    stream = np.random.default_rng(0)
    keys = np.unique(stream.integers(0, num * wide, 80_000))
    table = LabelTable.from_entries(
        keys // wide,
        keys % wide,
        keys % 2,
        images=map(str, range(num)),
        classes=map(str, range(5000)),
    )
    data = Dataset(
        "wide", FeatureArray(torch.zeros(num, 1)), table, {"train": np.arange(num, dtype=np.int64)}
    )
    tracemalloc.start()
    found = examine(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(found.splits["train"].present) == (keys % 2).sum()
    assert peak < 12e6  # dense labels would take 100 MB


def test_json_is_plain(image_folder):
    (image_folder / "images/03.png").write_bytes(b"")
    found = examine(read_folder(image_folder)).as_json()
    again = json.loads(json.dumps(found, allow_nan=False))
    assert again == found
    assert again["splits"]["train"]["images"] == 18
    assert again["image_statistics"]["width"] == {"smallest": 24, "median": 24.0, "largest": 24}
    assert list(again["image_statistics"]["broken"]) == ["images/03.png"]


def test_wrong_data_sets_are_refused():
    labels = LabelTable.from_dense([[1], [0]])
    with pytest.raises(DataError, match="short has 1 inputs, but labels of 2 images"):
        Dataset("short", FeatureArray(torch.zeros(1, 2)), labels, {})
    with pytest.raises(LabelError, match="no row 2"):
        examine(data_of([[1], [0]], {"train": [0, 2]}))


def test_splits_are_estimated_apart():
    found = examined([[1, -1], [1, 0]], train=[0], test=[1])
    assert found.missing_positives["train"].expected is None
    assert found.missing_positives["test"].expected == 0


# Images and duplicates


def test_leaks_and_contradictions(tmp_path):
    files = {f"{i}.png": png(value) for i, value in enumerate([1, 1, 2, 2, 2, 3, 3, 4])}
    labels = [[1], [-1], [1], [0], [0], [0], [0], [1]]
    found = examine(images_of(tmp_path, files, labels, "tettvtt-"))
    first, second, third = found.duplicates or ()
    assert first.images == ("0.png", "1.png")
    assert (first.splits, first.leaks, first.contradicted) == (("train", "test"), True, ())
    assert second.images == ("2.png", "3.png", "4.png")
    assert second.splits == ("train", "train", "val")
    assert (second.leaks, second.contradicted) == (True, ("x",))
    assert (third.leaks, third.contradicted) == (False, ())
    said = "\n".join(found.warnings)
    assert "2 groups of identical files in different splits" in said
    assert "1 group of identical files with labels that contradict each other: '2.png' =" in said
    assert "1 group of identical files in one split: '5.png' = '6.png'. They count twice" in said
    assert "1 image is in no split" in said
    outside = images_of(tmp_path, {"0.png": png(1), "1.png": png(1)}, [[1], [1]], "t-")
    (group,) = examine(outside).duplicates or ()
    assert not group.leaks


def test_no_image_can_be_read(tmp_path):
    found = examine(images_of(tmp_path, {"a.png": b"x", "b.png": b"y"}, [[1], [0]], "tv"))
    assert found.image_statistics.width is None
    assert found.image_statistics.grey == 0
    assert "2 of 2 images cannot be read: 'a.png', 'b.png'. The first: " in found.errors[0]


# Sentences

GOOD = [[1, 0], [0, 1]] * 6


@pytest.mark.parametrize(
    ("dense", "splits", "sentence"),
    [
        (GOOD, {"train": [0], "val": []}, "The val split has no images."),
        (GOOD, {"train": [0, 1], "val": [1]}, "1 image is in more than one split .*: '1'"),
        ([[-1], [1]], {"train": [0], "val": [1]}, "Nothing is observed in train"),
        ([[0], [1]], {"train": [0], "val": [1]}, "Not one label is present in train"),
    ],
)
def test_errors(dense, splits, sentence):
    assert any(re.search(sentence, text) for text in examined(dense, **splits).errors)


@pytest.mark.parametrize(
    ("dense", "splits", "sentence"),
    [
        ([[1, -1]], {"train": [0]}, "1 class is never observed: 'c1'. Nothing can be learnt"),
        ([[1, 0]], {"train": [0]}, "1 class is never present: 'c1'. Leave"),
        (
            [[1, 0], [0, 1]],
            {"train": [0], "val": [1]},
            "1 class is present in other splits, but never in train: 'c1'",
        ),
        ([[1, 0], [0, 1]], {"train": [0], "val": [1]}, "1 class is present in train only: 'c0'"),
        (
            [[1] * 7] * 2,
            {"train": [0, 1]},
            "7 classes are present in fewer than 5 images of train: 'c0' (2), 'c1' (2), "
            "'c2' (2), 'c3' (2), 'c4' (2) and 2 more.",
        ),
        (GOOD, {"test": [0]}, "There is no train split"),
        ([[1], [-1]], {"train": [0], "test": [1]}, "Nothing is observed in test"),
        ([[1], [1]], {"train": [0], "val": [1]}, "No absence is observed in val"),
        ([[1], [-1]], {"train": [0, 1]}, "1 of 2 images of train have no observed label."),
        ([[1], [0], [0]], {"train": [0]}, "2 images are in no split, and not used."),
        (np.eye(3), {"train": [0, 1, 2]}, "complete, but few are 1: 1 an image, at most 1 on one"),
        (
            [[1, 1, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]],
            {"train": [0, 1, 2, 3]},
            "few are 1: 0.5 an image, at most 2 on one image. If 0 means 'not annotated'",
        ),
    ],
)
def test_warnings(dense, splits, sentence):
    dense = np.asarray(dense, dtype=np.int8)
    assert any(sentence in text for text in examined(dense, **splits).warnings)


@pytest.mark.parametrize(
    ("names", "what"),
    [(("Cat", "cat"), "only by case: "), (("\u00e9", "e\u0301"), "only by case or Unicode form")],
)
def test_classes_of_one_spelling_are_remarked_on(names, what):
    assert what in spelling_remark(names)
    assert spelling_remark(("cat", "dog")) == ""


def test_nothing_is_said_of_good_data():
    dense = [[1, 1, 0], [0, 1, 1], [1, 0, 1]] * 8
    found = examined(dense, train=list(range(18)), val=[18, 19, 20], test=[21, 22, 23])
    assert found.warnings == ()
    assert found.errors == ()


def test_zeros_are_not_suspected_in_incomplete_labels():
    dense = np.eye(3, dtype=np.int8)
    dense[0, 1] = -1
    assert not any("few are 1" in text for text in examined(dense).warnings)


def test_real_photographs(real_data):
    found = examine(read_folder(real_data / "voc-animals"), decode=False)
    assert found.errors == ()
    assert found.image_statistics.files == 2546
    assert found.image_statistics.height.largest <= 256
    assert not any("few are 1" in text for text in found.warnings)
