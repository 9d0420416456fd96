from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from largeloss.data import Dataset, FeatureArray, ImageArray, read_folder
from largeloss.data.join import join_folders, join_labels
from largeloss.errors import ConfigError, DataError, LabelError
from largeloss.labels import LabelTable

CLASSES = ("cat", "dog", "owl", "fox")


def data_of(dense: Any, classes: Any, splits: Any = None, width: int = 2) -> Dataset:
    table = LabelTable.from_dense(dense, classes=classes)
    rows = {"train": np.arange(table.num_images, dtype=np.int64)} if splits is None else splits
    return Dataset("x", FeatureArray(torch.zeros(table.num_images, width)), table, rows)


@st.composite
def collections(draw: st.DrawFn) -> list[tuple[str, Dataset]]:
    parts = []
    for number in range(draw(st.integers(1, 4))):
        names = draw(st.lists(st.sampled_from(CLASSES), unique=True, max_size=4))
        shape = (draw(st.integers(0, 5)), len(names))
        dense = draw(hnp.arrays(np.int8, shape, elements=st.sampled_from([-1, 0, 1])))
        chosen = np.array(
            draw(st.lists(st.integers(0, 3), min_size=shape[0], max_size=shape[0])), dtype=int
        )
        splits = {
            split: np.flatnonzero(chosen == place)
            for place, split in enumerate(("train", "val", "test"))
        }
        parts.append((f"part{number}", data_of(dense, names, splits)))
    return parts


@given(collections())
def test_a_joined_table_restricted_to_a_part_equals_the_part(parts):
    table, splits = join_labels(parts, {})
    appearance = list(dict.fromkeys(name for _, data in parts for name in data.labels.classes))
    assert list(table.classes) == appearance
    start = 0
    for name, data in parts:
        own = data.labels
        rows = np.arange(start, start + own.num_images)
        part = table.select(rows)
        assert part.images == tuple(f"{name}/{image}" for image in own.images)
        assert np.array_equal(part.select_classes(own.classes).to_dense(), own.to_dense())
        others = [one for one in appearance if one not in own.classes]
        assert (part.select_classes(others).to_dense() == -1).all()
        for split, chosen in splits.items():
            inside = chosen[(chosen >= start) & (chosen < start + own.num_images)] - start
            assert np.array_equal(inside, data.splits.get(split, []))
        start += own.num_images
    assert table.num_images == start
    for chosen in splits.values():
        assert chosen.dtype == np.int64
        assert (np.diff(chosen) > 0).all()


def test_an_example():
    one = data_of([[1, 0]], ["cat", "dog"])
    two = data_of([[1, 1], [-1, 0]], ["owl", "cat"], {"train": np.array([1]), "val": np.array([0])})
    table, splits = join_labels([("a", one), ("b", two)], {})
    assert table.images == ("a/0", "b/0", "b/1")
    assert table.classes == ("cat", "dog", "owl")
    assert table.to_dense().tolist() == [[1, 0, -1], [1, -1, 1], [0, -1, -1]]
    assert {name: rows.tolist() for name, rows in splits.items()} == {
        "train": [0, 2],
        "val": [1],
    }


def test_renaming():
    one = data_of([[1, 0]], ["cat", "dog"])
    two = data_of([[1, -1]], ["Cat ", "dog"])
    table, _ = join_labels([("a", one), ("b", two)], {"b": {"Cat ": "cat", "dog": "hot dog"}})
    assert table.classes == ("cat", "dog", "hot dog")
    assert table.to_dense().tolist() == [[1, 0, -1], [1, -1, -1]]
    swapped, _ = join_labels([("a", one)], {"a": {"cat": "dog", "dog": "cat"}})
    assert swapped.classes == ("dog", "cat")


@pytest.mark.parametrize("spelled", ["Cat", " cat", "cat ", "CAT"])
def test_other_spellings_of_a_class_are_refused(spelled):
    one, two = data_of([[1]], ["cat"]), data_of([[1]], [spelled])
    message = f"class 'cat' of 'a' and the class '{spelled}' of 'b' differ only by case"
    with pytest.raises(LabelError, match=message):
        join_labels([("a", one), ("b", two)], {})
    with pytest.raises(LabelError, match="of 'a' differ only by case or surrounding spaces"):
        join_labels([("a", data_of([[1, 0]], ["cat", spelled]))], {})


def test_two_unicode_forms_of_a_class_are_refused():
    one, two = data_of([[1]], ["caf\u00e9"]), data_of([[1]], ["cafe\u0301"])
    with pytest.raises(LabelError, match=r"or by Unicode form \(NFC, NFD\)"):
        join_labels([("a", one), ("b", two)], {})


@pytest.mark.parametrize(
    ("rename", "error", "message"),
    [
        ({"parr": {}}, ConfigError, "no such collection. Did you mean 'part'"),
        ({"part": {"cta": "x"}}, ConfigError, "'part' has no class 'cta'. Did you mean 'cat'"),
        ({"part": {"cat": " "}}, ConfigError, "new name of class 'cat' of 'part' is empty"),
        (
            {"part": {"cat": "dog"}},
            LabelError,
            "'cat' and 'dog' of 'part' would both be called 'dog'",
        ),
    ],
)
def test_impossible_renaming_is_refused(rename, error, message):
    with pytest.raises(error, match=message):
        join_labels([("part", data_of([[1, 0]], ["cat", "dog"]))], rename)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", " a", "a\0"])
def test_names_that_are_no_folders_are_refused(name):
    with pytest.raises(ConfigError, match="its name becomes a folder"):
        join_labels([(name, data_of([[1]], ["cat"]))], {})


@pytest.mark.parametrize("name", ["a", "A"])
def test_two_collections_of_one_name_are_refused(name):
    data = data_of([[1]], ["cat"])
    with pytest.raises(ConfigError, match=f"Two collections are called 'a' and '{name}'"):
        join_labels([("a", data), (name, data)], {})


def test_nothing_to_join():
    with pytest.raises(ConfigError, match="nothing to join"):
        join_labels([], {})


def test_different_kinds_are_refused(image_folder):
    images, features = read_folder(image_folder), data_of([[1]], ["cat"])
    with pytest.raises(DataError, match="'a' has image files, 'b' features of shape"):
        join_labels([("a", images), ("b", features)], {})
    wide = data_of([[1]], ["dog"], width=3)
    with pytest.raises(DataError, match=r"shape \(2,\), 'b' features of shape \(3,\)"):
        join_labels([("a", features), ("b", wide)], {})
    array = ImageArray(np.zeros((1, 3, 4, 4), dtype=np.uint8))
    memory = Dataset("m", array, features.labels, features.splits)
    with pytest.raises(DataError, match="'b' images in memory of shape"):
        join_labels([("a", features), ("b", memory)], {})


def test_images_stay_where_they_are(make_image_folder):
    roots = [make_image_folder("one"), make_image_folder("two")]
    parts = [(root.name, root) for root in roots]
    dataset, extras = join_folders(parts, {}, None)
    assert extras.folders == dict(parts)
    assert dataset.name == "one+two"
    assert dataset.labels.num_images == 60  # the same images, and yet not merged
    assert {name: len(rows) for name, rows in dataset.splits.items()} == {
        "train": 36,
        "val": 12,
        "test": 12,
    }


def test_named_splits_are_kept_and_what_all_lack_is_drawn_from_all(make_image_folder):
    rows = [f"images/{row:02d}.png,{{}},{row % 2}\n" for row in range(10)]
    header = "image,split,red\n"
    learnt = make_image_folder("learnt", labels=header + "".join(rows).format(*["train"] * 10))
    held = make_image_folder("held", labels=header + "".join(rows).format(*["test"] * 10))
    dataset, _ = join_folders([("a", learnt), ("b", held)], {}, None)
    assert dataset.splits["test"].tolist() == [*range(10, 20)]
    assert {name: len(own) for name, own in dataset.splits.items()} == {
        "train": 8, "val": 2, "test": 10,
    }  # fmt: skip
    with pytest.raises(DataError, match="b has no training images"):
        join_folders([("b", held)], {}, None)


def test_unlisted_is_for_the_folders_that_list_tags(make_image_folder):
    rows = [f"images/{row:02d}.png,train,{{}}\n" for row in range(10)]
    tags = make_image_folder(
        "tags", labels="image,split,labels\n" + "".join(rows).format(*["red"] * 10)
    )
    wide = make_image_folder("wide", labels="image,split,red\n" + "".join(rows).format(*["0"] * 10))
    dataset, _ = join_folders([("a", tags), ("b", wide)], {}, "absent")
    assert dataset.labels.to_dense()[:, 0].tolist() == [1] * 10 + [0] * 10
    with pytest.raises(ConfigError, match="--unlisted is for files with a column 'labels'"):
        join_folders([("b", wide)], {}, "absent")
