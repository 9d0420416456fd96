"""The label table against dense arrays and loops."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from largeloss.errors import LabelError
from largeloss.labels import ABSENT, PRESENT, UNOBSERVED, LabelTable, convert

dense_arrays = hnp.arrays(
    np.int8,
    st.tuples(st.integers(0, 7), st.integers(1, 6)),
    elements=st.sampled_from([-1, 0, 1]),
)
EXAMPLE = np.array([[1, -1, 0], [-1, -1, -1], [0, 1, 1]], dtype=np.int8)


def example() -> LabelTable:
    return LabelTable.from_dense(EXAMPLE, images=["a", "b", "c"], classes=["cat", "dog", "owl"])


@given(dense_arrays)
def test_dense_to_sparse_and_back(dense):
    table = LabelTable.from_dense(dense)
    assert table.shape == dense.shape
    assert np.array_equal(table.to_dense(), dense)
    assert table.to_dense().dtype == np.int8
    assert table.num_observed == (dense >= 0).sum()
    assert table.is_complete == (dense >= 0).all()


@given(dense_arrays)
def test_counts_equal_a_loop(dense):
    counts = LabelTable.from_dense(dense).counts()
    for column in range(dense.shape[1]):
        values = dense[:, column].tolist()
        assert counts.present[column] == values.count(PRESENT)
        assert counts.absent[column] == values.count(ABSENT)
        assert counts.unobserved[column] == values.count(UNOBSERVED)
    assert {array.dtype for array in counts} == {np.dtype(np.int64)}


@given(dense_arrays.filter(len), st.data())
def test_lookup_select_and_at_equal_dense_indexing(dense, data):
    table = LabelTable.from_dense(dense)
    rows = data.draw(st.lists(st.integers(0, len(dense) - 1), max_size=9))
    wanted = dense[np.array(rows, dtype=int)]
    assert np.array_equal(table.lookup(rows), wanted)
    once = list(dict.fromkeys(rows))
    part = table.select(once)
    assert np.array_equal(part.to_dense(), dense[np.array(once, dtype=int)])
    assert part.images == tuple(map(str, once))
    columns = [row % dense.shape[1] for row in rows]
    assert table.at(rows, columns).tolist() == [
        dense[row, column] for row, column in zip(rows, columns, strict=True)
    ]


@given(dense_arrays.filter(len), st.data())
def test_replace_equals_assignment(dense, data):
    place = st.tuples(*(st.integers(0, length - 1) for length in dense.shape))
    changes = data.draw(st.dictionaries(place, st.sampled_from([-1, 0, 1]), max_size=8))
    rows, columns = [r for r, _ in changes], [c for _, c in changes]
    table = LabelTable.from_dense(dense)
    changed = table.replace(rows, columns, list(changes.values()))
    assert np.array_equal(table.to_dense(), dense)
    for (row, column), state in changes.items():
        dense[row, column] = state
    assert np.array_equal(changed.to_dense(), dense)


@given(dense_arrays, st.randoms(use_true_random=False))
def test_entries_in_any_order_and_repeated_make_the_same_table(dense, random):
    table = LabelTable.from_dense(dense)
    entries = list(zip(*(array.tolist() for array in table.entries()), strict=True)) * 2
    random.shuffle(entries)
    rows, columns, states = zip(*entries, strict=True) if entries else ((), (), ())
    again = LabelTable.from_entries(
        rows, columns, states, images=table.images, classes=table.classes
    )
    assert again == table
    assert again.fingerprint == table.fingerprint
    assert hash(again) == hash(table)


def test_entries_are_in_reading_order():
    rows, columns, states = example().entries()
    assert rows.tolist() == [0, 0, 2, 2, 2]
    assert columns.tolist() == [0, 2, 0, 1, 2]
    assert states.tolist() == [1, 0, 0, 1, 1]


@given(dense_arrays.filter(lambda dense: dense.size > 0))
def test_every_single_change_is_seen_by_fingerprint_and_equality(dense):
    table = LabelTable.from_dense(dense)
    for row, column in np.ndindex(dense.shape):
        other = table.replace(row, column, (dense[row, column] + 2) % 3 - 1)
        assert other != table
        assert other.fingerprint != table.fingerprint


def test_names_are_part_of_the_content():
    table = example()
    renamed = LabelTable.from_dense(EXAMPLE, images=["a", "b", "d"], classes=table.classes)
    reclassed = LabelTable.from_dense(EXAMPLE, images=table.images, classes=["cat", "dog", "elk"])
    assert len({table, renamed, reclassed, example()}) == 3
    assert len({table.fingerprint, renamed.fingerprint, reclassed.fingerprint}) == 3
    assert table != "a table"


def test_the_fingerprint_is_pinned():
    wanted = "d8d922ef2afc96519aa1eb146720dc6e15aba2a8a3be6845bb17701ff547d4d7"
    assert example().fingerprint == wanted


def test_wide_columns_beyond_65535_classes():
    narrow, wide = (
        LabelTable.from_entries([0], [5], [1], images=["a"], classes=map(str, range(count)))
        for count in (65_535, 65_536)
    )
    assert narrow.columns.dtype == np.uint16
    assert wide.columns.dtype == np.int32
    assert wide.lookup([0])[0, 5] == 1
    same = wide.select_classes(narrow.classes)
    assert same.columns.dtype == np.uint16
    assert same.fingerprint == narrow.fingerprint


def test_select_classes_in_the_given_order():
    table = example().select_classes(["owl", "cat"])
    assert table.classes == ("owl", "cat")
    assert np.array_equal(table.to_dense(), EXAMPLE[:, [2, 0]])
    with pytest.raises(LabelError, match=r"Unknown class 'dgo'. Did you mean 'dog'"):
        example().select_classes(["dgo"])
    with pytest.raises(LabelError, match="Known are 3: 'cat', 'dog', 'owl'"):
        example().select_classes(["xylophone"])
    with pytest.raises(LabelError, match="class name 'cat' occurs twice"):
        example().select_classes(["cat", "cat"])


@pytest.mark.parametrize("again", [copy.deepcopy, lambda table: pickle.loads(pickle.dumps(table))])
def test_immutable_also_after_a_copy(again):
    table = again(example())
    assert table == example()
    for array in (table.offsets, table.columns, table.states, table.entries().states):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(AttributeError):
        table.classes = ()


def test_repr_is_short():
    assert repr(example()) == "LabelTable(3 images × 3 classes, 5 observed)"


@pytest.mark.parametrize(
    "dtype", [bool, np.uint8, np.int16, np.int64, np.float32, np.float64, np.float16]
)
def test_any_number_type(dtype):
    dense = np.array([[1, 0], [0, 1]], dtype=dtype)
    assert np.array_equal(LabelTable.from_dense(dense).to_dense(), [[1, 0], [0, 1]])


def test_tensors_without_importing_torch():
    torch = pytest.importorskip("torch")
    labels = torch.tensor([[1.0, 0.0, -1.0]], requires_grad=True)
    assert LabelTable.from_dense(labels).to_dense().tolist() == [[1, 0, -1]]


def test_the_offered_converter_mends_nan():
    labels = np.array([[1.0, 0.0], [0.0, np.nan]])
    with pytest.raises(LabelError, match=r"row 1, column 1 is NaN.*convert\(labels, 'nan-unob"):
        LabelTable.from_dense(labels)
    table = LabelTable.from_dense(convert(labels, "nan-unobserved"))
    assert table.to_dense().tolist() == [[1, 0], [0, -1]]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        ([[1, 0], [0, 2]], "row 1, column 1 is 2"),
        ([[1, -2]], "row 0, column 1 is -2"),
        ([[0.5]], "row 0, column 0 is 0.5"),
        (np.array([[255]], dtype=np.uint8), "row 0, column 0 is 255"),
        ([1, 0], r"shape \(images, classes\), got \(2,\)"),
        ([["1"]], "whole numbers"),
        ([[1, 0], [1]], "an array of numbers"),
    ],
)
def test_wrong_dense_arrays_are_refused(array, message):
    with pytest.raises(LabelError, match=message):
        LabelTable.from_dense(array)


@pytest.mark.parametrize(
    ("images", "classes", "message"),
    [
        (["a", "a"], ["x"], "image name 'a' occurs twice, at positions 0 and 1"),
        (["a", ""], ["x"], "image name at position 1 is empty"),
        (["a", 3], ["x"], "image name 3 is no string"),
        (["a"], ["x"], "need 2 image names, got 1"),
        (["a", "b"], ["x", "y"], "need 1 class names, got 2"),
    ],
)
def test_wrong_names_are_refused(images, classes, message):
    with pytest.raises(LabelError, match=message):
        LabelTable.from_dense([[1], [0]], images=images, classes=classes)


@pytest.mark.parametrize(
    ("rows", "columns", "states", "message"),
    [
        ([2], [0], [1], "no row 2: 0 to 1 are possible"),
        ([0], [-1], [1], "no column -1: 0 to 2 are possible"),
        ([0], [0], [-1], "no state -1: 0 to 1 are possible"),
        ([0.5], [0], [1], "row must be a whole number"),
        ([0, 1], [0, 1, 2], [1, 1], "of one length"),
        ([[0]], [[0]], [[1]], "in one dimension"),
        ([1, 0, 1], [2, 0, 2], [0, 1, 1], "Image 'b', class 'owl' .* in entries 0 and 2"),
    ],
)
def test_wrong_entries_are_refused(rows, columns, states, message):
    with pytest.raises(LabelError, match=message):
        LabelTable.from_entries(
            rows, columns, states, images=["a", "b"], classes=["cat", "dog", "owl"]
        )


@pytest.mark.parametrize(
    ("states", "message"),
    [([0, 1], "both as present and as absent"), ([-1, 1], "both as observed and as unobserved")],
)
def test_replace_refuses_one_entry_with_two_states(states, message):
    with pytest.raises(LabelError, match=f"Image 'b', class 'cat' is given {message}"):
        example().replace([1, 1], [0, 0], states)


def test_wrong_rows_are_refused():
    for rows, message in (([3], "no row 3"), ([-1], "no row -1"), ([[0]], "one dimension")):
        with pytest.raises(LabelError, match=message):
            example().lookup(rows)
    with pytest.raises(LabelError, match="image name 'a' occurs twice"):
        example().select([0, 0])


@pytest.mark.parametrize(
    ("offsets", "columns", "states"),
    [
        ([0, 2, 1], [0], [1]),
        ([0, 1], [0], [1]),
        ([0, 2, 2], [1, 0], [1, 1]),
        ([0, 2, 2], [1, 1], [1, 0]),
        ([0, 1, 1], [2], [1]),
        ([0, 1, 1], [0], [-1]),
        ([0, 1, 1], [0], [1, 1]),
    ],
)
def test_arrays_that_do_not_fit_are_refused(offsets, columns, states):
    arrays = map(np.array, (offsets, columns, states))
    with pytest.raises(LabelError, match="do not make up a label table"):
        LabelTable(*arrays, classes=("x", "y"), images=("a", "b"))  # type: ignore[arg-type, misc]


def test_memory_of_sparse_rows():
    num_images, per_image = 34_000, 4
    columns = np.tile(np.arange(per_image), num_images)
    rows = np.repeat(np.arange(num_images), per_image)
    table = LabelTable.from_entries(
        rows,
        columns,
        np.ones(len(rows), dtype=np.int8),
        images=map(str, range(num_images)),
        classes=map(str, range(5000)),
    )
    arrays = (table.offsets, table.columns, table.states)
    assert sum(array.nbytes for array in arrays) <= 8 * (num_images + 1) + 3 * len(rows)
