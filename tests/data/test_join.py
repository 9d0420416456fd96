from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from largeloss.data import Dataset, FeatureArray, ImageArray, ImageFiles, read_folder
from largeloss.data.join import join
from largeloss.errors import ConfigError, DataError, LabelError
from largeloss.labels import LabelTable

CLASSES = ("cat", "dog", "owl", "fox")


def data_of(dense: object, classes: object, splits: object = None, width: int = 2) -> Dataset:
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
    joined = join(parts)
    appearance = list(dict.fromkeys(name for _, data in parts for name in data.labels.classes))
    assert list(joined.table.classes) == appearance
    start = 0
    for name, data in parts:
        table = data.labels
        rows = np.arange(start, start + table.num_images)
        part = joined.table.select(rows)
        assert part.images == tuple(f"{name}/{image}" for image in table.images)
        assert np.array_equal(part.select_classes(table.classes).to_dense(), table.to_dense())
        others = [one for one in appearance if one not in table.classes]
        assert (part.select_classes(others).to_dense() == -1).all()
        for split, own in joined.splits.items():
            inside = own[(own >= start) & (own < start + table.num_images)] - start
            assert np.array_equal(inside, data.splits.get(split, []))
        start += table.num_images
    assert joined.table.num_images == start
    assert joined.sources == tuple((name, None) for name, _ in parts)
    for own in joined.splits.values():
        assert own.dtype == np.int64
        assert (np.diff(own) > 0).all()


def test_an_example():
    one = data_of([[1, 0]], ["cat", "dog"])
    two = data_of([[1, 1], [-1, 0]], ["owl", "cat"], {"train": np.array([1]), "val": np.array([0])})
    joined = join([("a", one), ("b", two)])
    assert joined.table.images == ("a/0", "b/0", "b/1")
    assert joined.table.classes == ("cat", "dog", "owl")
    assert joined.table.to_dense().tolist() == [[1, 0, -1], [1, -1, 1], [0, -1, -1]]
    assert {name: rows.tolist() for name, rows in joined.splits.items()} == {
        "train": [0, 2],
        "val": [1],
    }


def test_renaming():
    one = data_of([[1, 0]], ["cat", "dog"])
    two = data_of([[1, -1]], ["Cat ", "dog"])
    joined = join([("a", one), ("b", two)], {"b": {"Cat ": "cat", "dog": "hot dog"}})
    assert joined.table.classes == ("cat", "dog", "hot dog")
    assert joined.table.to_dense().tolist() == [[1, 0, -1], [1, -1, -1]]
    swapped = join([("a", one)], {"a": {"cat": "dog", "dog": "cat"}})
    assert swapped.table.classes == ("dog", "cat")


@pytest.mark.parametrize("spelled", ["Cat", " cat", "cat ", "CAT"])
def test_other_spellings_of_a_class_are_refused(spelled):
    one, two = data_of([[1]], ["cat"]), data_of([[1]], [spelled])
    message = f"class 'cat' of 'a' and the class '{spelled}' of 'b' differ only by case"
    with pytest.raises(LabelError, match=message):
        join([("a", one), ("b", two)])
    with pytest.raises(LabelError, match="of 'a' differ only by case or surrounding spaces"):
        join([("a", data_of([[1, 0]], ["cat", spelled]))])


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
        join([("part", data_of([[1, 0]], ["cat", "dog"]))], rename)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", " a", "a\0"])
def test_names_that_are_no_folders_are_refused(name):
    with pytest.raises(ConfigError, match="its name becomes a folder"):
        join([(name, data_of([[1]], ["cat"]))])


@pytest.mark.parametrize("name", ["a", "A"])
def test_two_collections_of_one_name_are_refused(name):
    data = data_of([[1]], ["cat"])
    with pytest.raises(ConfigError, match=f"Two collections are called 'a' and '{name}'"):
        join([("a", data), (name, data)])


def test_nothing_to_join():
    with pytest.raises(ConfigError, match="nothing to join"):
        join([])


def test_different_kinds_are_refused(image_folder):
    images, features = read_folder(image_folder), data_of([[1]], ["cat"])
    with pytest.raises(DataError, match="'a' has image files, 'b' features of shape"):
        join([("a", images), ("b", features)])
    wide = data_of([[1]], ["dog"], width=3)
    with pytest.raises(DataError, match=r"shape \(2,\), 'b' features of shape \(3,\)"):
        join([("a", features), ("b", wide)])
    array = ImageArray(np.zeros((1, 3, 4, 4), dtype=np.uint8))
    memory = Dataset("m", array, features.labels, features.splits)
    with pytest.raises(DataError, match="'b' images in memory of shape"):
        join([("a", features), ("b", memory)])


def test_inputs_and_labels_of_different_number_are_refused():
    table = LabelTable.from_dense([[1], [0]])
    data = Dataset("x", FeatureArray(torch.zeros(3, 2)), table, {})
    with pytest.raises(DataError, match="'a' has 3 inputs, but labels of 2 images"):
        join([("a", data)])


def test_images_stay_where_they_are(make_image_folder):
    roots = [make_image_folder("one"), make_image_folder("two")]
    parts = [(root.name, read_folder(root)) for root in roots]
    joined = join(parts)
    assert joined.sources == (("one", roots[0]), ("two", roots[1]))
    assert joined.table.num_images == 60  # the same images, and yet not merged
    for row, image in enumerate(joined.table.images):
        name, _, rest = image.partition("/")
        assert dict(joined.sources)[name] / rest == parts[row // 30][1].source.paths[row % 30]
    assert {name: len(rows) for name, rows in joined.splits.items()} == {
        "train": 36,
        "val": 12,
        "test": 12,
    }


def test_images_without_a_common_folder_are_refused():
    table = LabelTable.from_dense([[1], [0]], images=["a.png", "b.png"])
    source = ImageFiles((Path("/one/a.png"), Path("/two/b.png")), 8)
    with pytest.raises(DataError, match=r"do not lie under one folder by their names: 'b\.png'"):
        join([("x", Dataset("x", source, table, {}))])


def test_no_images_have_no_folder():
    table = LabelTable.from_dense(np.zeros((0, 1)))
    joined = join([("x", Dataset("x", ImageFiles((), 8), table, {}))])
    assert joined.sources == (("x", None),)
