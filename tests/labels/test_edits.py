"""Label edits: made, written, read, applied."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from largeloss.errors import LabelError
from largeloss.labels import LabelEdits, LabelTable, apply_edits, read_edits, write_edits

DENSE = np.array([[1, -1, 0], [-1, -1, -1], [0, 1, -1]], dtype=np.int8)


def example() -> LabelTable:
    return LabelTable.from_dense(DENSE, images=["a", "b", "c"], classes=["cat", "dog", "owl"])


NAMES = {"images": ("a", "b", "c"), "classes": ("cat", "dog", "owl")}


def edits(rows, columns, before, after, **more) -> LabelEdits:
    more = {"author": "ll-cp", "reason": "large loss"} | NAMES | more
    return LabelEdits.of(rows=rows, columns=columns, before=before, after=after, **more)


def test_single_numbers_stand_for_all():
    made = edits([0, 1], [1, 1], -1, 1, epoch=[2, 3], loss=0.5)
    assert len(made) == 2
    assert made.before.tolist() == [-1, -1]
    assert made.after.tolist() == [1, 1]
    assert made.loss.tolist() == [0.5, 0.5]
    kinds = ("int64", "int32", "int8", "int8", "int32", "float32")
    names = ("rows", "columns", "before", "after", "epoch", "loss")
    assert tuple(str(getattr(made, name).dtype) for name in names) == kinds


ARRAYS = (
    "rows",
    "columns",
    "before",
    "after",
    "epoch",
    "loss",
    "score",
    "author",
    "time",
    "reason",
)
FIGURE = st.one_of(st.just(float("nan")), st.floats(width=32, allow_nan=False))
WORD = st.text(alphabet=st.characters(codec="utf-8"), max_size=5)
EDITS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(0, 2),
        st.sampled_from([-1, 0, 1]),
        st.sampled_from([-1, 0, 1]),
        st.integers(-1, 2**31 - 1),
        FIGURE,
        FIGURE,
        WORD,
        WORD,
        WORD,
    ),
    max_size=6,
)


def made_of(records) -> LabelEdits:
    arrays: list[Any] = [list(values) for values in zip(*records, strict=True)] or [[]] * len(
        ARRAYS
    )
    arrays[:5] = (np.array(values, dtype=np.int64) for values in arrays[:5])
    return LabelEdits.of(**NAMES, **dict(zip(ARRAYS, arrays, strict=True)))


def assert_same(found: LabelEdits, wanted: LabelEdits) -> None:
    for given_row, name in (("rows", "images"), ("columns", "classes")):
        named = [
            [getattr(one, name)[place] for place in getattr(one, given_row)]
            for one in (found, wanted)
        ]
        assert named[0] == named[1]
    for name in ARRAYS[2:]:
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))
        assert getattr(found, name).dtype == getattr(wanted, name).dtype


@given(EDITS)
def test_round_trip_of_every_field(tmp_path_factory, records):
    path = tmp_path_factory.mktemp("edits") / "edits.parquet"
    write_edits(path, made_of(records))
    assert_same(read_edits(path), made_of(records))


@given(EDITS, EDITS)
def test_parts_are_put_together_by_name(left, right):
    assert_same(LabelEdits.concatenated([made_of(left), made_of(right)]), made_of([*left, *right]))


def test_each_edit_has_its_own_author(tmp_path):
    path = tmp_path / "edits.parquet"
    authors = ["reviewer:anna", "ll-cp"]
    write_edits(path, edits([0, 1], [1, 2], -1, 1, author=authors, score=[0.5, float("nan")]))
    assert read_edits(path).author.tolist() == authors
    assert parquet.read_table(path)["score"].to_pylist() == [0.5, None]


def test_names_of_each_edit_may_be_given():
    made = LabelEdits.named(["b", "a", "b"], ["owl"] * 3, before=-1, after=1, author="me")
    assert (made.images, made.classes) == (("b", "a"), ("owl",))
    assert (made.rows.tolist(), made.columns.tolist()) == ([0, 1, 0], [0, 0, 0])
    assert [one.tolist() for one in made.places(example())] == [[1, 0, 1], [2, 2, 2]]
    assert len(made.select(np.array([True, False, True]))) == 2


def test_the_file_holds_names_and_is_written_whole(tmp_path):
    path = tmp_path / "edits.parquet"
    write_edits(path, edits([1, 0], [2, 1], -1, [1, 0], epoch=3, loss=2.5))
    assert [file.name for file in tmp_path.iterdir()] == ["edits.parquet"]
    rest = {
        "before": None, "epoch": 3, "loss": 2.5, "score": None, "author": "ll-cp", "time": "",
        "reason": "large loss",
    }  # fmt: skip
    assert parquet.read_table(path).to_pylist() == [
        {"image": "b", "class": "owl", "after": 1, **rest},
        {"image": "a", "class": "dog", "after": 0, **rest},
    ]


def test_names_resolve_in_a_table_of_another_order(tmp_path):
    path = tmp_path / "edits.parquet"
    write_edits(path, edits([1, 0], [2, 1], -1, 1))
    other = example().select([2, 1, 0]).select_classes(["owl", "dog", "cat"])
    rows, columns = read_edits(path).places(other)
    assert (rows.tolist(), columns.tolist()) == ([1, 2], [0, 1])
    rows, columns = read_edits(path).places(other.select([0]))
    assert rows.tolist() == [-1, -1]


def test_apply_makes_a_new_table():
    changed = apply_edits(example(), edits([0, 1, 2], [1, 0, 1], [-1, -1, 1], [1, 0, -1]))
    assert changed.to_dense().tolist() == [[1, 1, 0], [0, -1, -1], [0, -1, -1]]
    assert np.array_equal(example().to_dense(), DENSE)
    assert apply_edits(example(), edits([], [], [], [])) == example()


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 2), st.sampled_from([-1, 0, 1])), max_size=20
    )
)
def test_apply_equals_a_loop(changes):
    dense, before = DENSE.copy(), []
    for row, column, after in changes:
        before.append(dense[row, column])
        dense[row, column] = after
    rows, columns, after = ([change[place] for change in changes] for place in range(3))
    assert np.array_equal(
        apply_edits(example(), edits(rows, columns, before, after)).to_dense(), dense
    )


def test_a_table_that_does_not_fit_is_refused():
    with pytest.raises(
        LabelError,
        match="Edit 1 of image 'c', class 'dog' expects the label -1, but the table has 1",
    ):
        apply_edits(example(), edits([1, 2], [0, 1], -1, 1))
    twice = edits([1, 1], [0, 0], -1, 1)
    with pytest.raises(LabelError, match=r"Edit 1 of image 'b', class 'cat' .* has 1. .* already"):
        apply_edits(example(), twice)
    with pytest.raises(LabelError, match="no row 3"):
        edits([3], [0], -1, 1)
    with pytest.raises(LabelError, match="no column 3"):
        edits([0], [3], -1, 1)
    with pytest.raises(LabelError, match="Edit 1: unknown image 'b'"):
        apply_edits(example().select([0, 2]), edits([0, 1], [1, 2], -1, 1))
    with pytest.raises(LabelError, match="Edit 0: unknown class 'owl'"):
        apply_edits(example().select_classes(["cat", "dog"]), edits([0], [2], 0, 1))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"before": 2}, "no state 2"),
        ({"after": [1, 0]}, "of 1 rows need 1 values of after"),
        ({"rows": [-1]}, "no row -1"),
        ({"columns": [0.5]}, "column must be a whole number"),
        ({"epoch": [[1]]}, r"values of epoch, got the shape \(1, 1\)"),
        ({"author": ["me", "you"]}, "need 1 values of author"),
    ],
)
def test_wrong_edits_are_refused(more, message):
    values = {"rows": [0], "columns": [0], "before": -1, "after": 1} | more
    with pytest.raises(LabelError, match=message):
        LabelEdits.of(**NAMES, **({"author": "me"} | values))


def test_wrong_files_are_refused(tmp_path):
    path = tmp_path / "edits.parquet"
    write_edits(path, edits([0, 1], [1, 2], -1, 1))
    content = parquet.read_table(path)
    whole = content.to_pylist()

    def refused(rows, message, schema=content.schema):
        parquet.write_table(pa.Table.from_pylist(rows, schema=schema), path)
        with pytest.raises(LabelError, match=message):
            read_edits(path)

    refused([whole[0], whole[1] | {"author": None}], "Row 2 has no author")
    refused([whole[0] | {"image": None}], "Row 1 has no image")
    refused([whole[0] | {"after": 7}], "There is no state 7")
    older = content.drop_columns(["score"])
    refused(older.to_pylist(), r"no file of label edits. .*score \(float\)", older.schema)
    parquet.write_table(pa.table({"image": ["a"]}), path)
    with pytest.raises(LabelError, match=r"no file of label edits. .* got image \(string\)"):
        read_edits(path)
    path.write_text("no parquet")
    with pytest.raises(LabelError, match="this is no readable Parquet file"):
        read_edits(path)
    with pytest.raises(LabelError, match="this is no readable Parquet file"):
        read_edits(tmp_path / "missing.parquet")
