"""The journal of label changes."""

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


def edits(rows, columns, before, after, **more) -> LabelEdits:
    more = {"author": "ll-cp", "reason": "large loss"} | more
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


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.integers(0, 2),
            st.sampled_from([-1, 0, 1]),
            st.sampled_from([-1, 0, 1]),
            st.integers(-1, 2**31 - 1),
            st.floats(width=32),
        ),
        max_size=6,
    ),
    st.text(alphabet=st.characters(codec="utf-8"), max_size=5),
)
def test_round_trip(tmp_path_factory, records, text):
    arrays = [np.array(values) for values in zip(*records, strict=True)] or [np.zeros(0, int)] * 6
    names = ("rows", "columns", "before", "after", "epoch", "loss")
    given_edits = LabelEdits.of(
        **dict(zip(names, arrays, strict=True)), author="me", reason=text, time="2024-05-06T07:08"
    )
    path = tmp_path_factory.mktemp("edits") / "edits.parquet"
    write_edits(path, given_edits, example())
    found = read_edits(path, example())
    for name in names:
        np.testing.assert_array_equal(getattr(found, name), getattr(given_edits, name))
        assert getattr(found, name).dtype == getattr(given_edits, name).dtype
    if records:
        assert (found.author, found.reason, found.time) == ("me", text, "2024-05-06T07:08")


def test_the_file_holds_names_and_is_written_whole(tmp_path):
    path = tmp_path / "edits.parquet"
    write_edits(path, edits([1, 0], [2, 1], -1, [1, 0], epoch=3, loss=2.5), example())
    assert [file.name for file in tmp_path.iterdir()] == ["edits.parquet"]
    rest = {"before": None, "epoch": 3, "loss": 2.5, "author": "ll-cp", "reason": "large loss"}
    assert parquet.read_table(path).to_pylist() == [
        {"image": "b", "class": "owl", "after": 1, "time": "", **rest},
        {"image": "a", "class": "dog", "after": 0, "time": "", **rest},
    ]


def test_names_resolve_in_a_table_of_another_order(tmp_path):
    path = tmp_path / "edits.parquet"
    write_edits(path, edits([1, 0], [2, 1], -1, 1), example())
    other = example().select([2, 1, 0]).select_classes(["owl", "dog", "cat"])
    found = read_edits(path, other)
    assert found.rows.tolist() == [1, 2]
    assert found.columns.tolist() == [0, 1]


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
        apply_edits(example(), edits([3], [0], -1, 1))
    with pytest.raises(LabelError, match="no column 3"):
        write_edits("unused.parquet", edits([0], [3], -1, 1), example())


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"before": 2}, "no state 2"),
        ({"after": [1, 0]}, "of 1 rows need 1 values of after"),
        ({"rows": [-1]}, "no row -1"),
        ({"columns": [0.5]}, "column must be a whole number"),
        ({"epoch": [[1]]}, r"values of epoch, got the shape \(1, 1\)"),
    ],
)
def test_wrong_edits_are_refused(more, message):
    values = {"rows": [0], "columns": [0], "before": -1, "after": 1} | more
    with pytest.raises(LabelError, match=message):
        LabelEdits.of(**values, author="me", reason="")


def test_wrong_files_are_refused(tmp_path):
    path = tmp_path / "edits.parquet"
    write_edits(path, edits([0, 1], [1, 2], -1, 1), example())
    with pytest.raises(LabelError, match="row 2: unknown image 'b'"):
        read_edits(path, example().select([0, 2]))
    with pytest.raises(LabelError, match="row 2: unknown class 'owl'"):
        read_edits(path, example().select_classes(["cat", "dog"]))
    content = parquet.read_table(path)
    column = content.schema.get_field_index("author")
    parquet.write_table(content.set_column(column, "author", [["me", "you"]]), path)
    with pytest.raises(LabelError, match=r"one author a file .*'me', 'you'"):
        read_edits(path, example())
    parquet.write_table(pa.table({"image": ["a"]}), path)
    with pytest.raises(LabelError, match="need the columns image, class, before"):
        read_edits(path, example())
    path.write_text("no parquet")
    with pytest.raises(LabelError, match="this is no readable Parquet file"):
        read_edits(path, example())
    with pytest.raises(LabelError, match="this is no readable Parquet file"):
        read_edits(tmp_path / "missing.parquet", example())
