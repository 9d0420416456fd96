"""CSV is read a block at a time: whatever the block, the same table and the same line numbers."""

from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from largeloss.errors import LabelError
from largeloss.labels import read_labels
from largeloss.labels.files import csv_blocks
from largeloss.labels.files.raw import read_raw

CELLS = st.sampled_from(["", "0", "1", "1", "0", "1.0", "TRUE", "NaN"])
STATES = {"": -1, "0": 0, "1": 1, "1.0": 1, "TRUE": 1, "NaN": -1}
BLOCKS = st.integers(1, 60)


def written(path: Path, rows: list[str], empty: list[int], end: str) -> list[int]:
    """Writes a header and ``rows``, each after so many lines on nothing; gives the line of each."""
    lines, numbers = [], []
    for row, blank in zip(["image,a,b", *rows], empty, strict=False):
        lines += ["", ",,"][:blank]
        lines.append(row)
        numbers.append(len(lines))
    path.write_text(end.join(lines) + end, newline="")
    return numbers[1:]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("csv") / "labels.csv"


@settings(max_examples=60)
@given(
    st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=12),
    st.lists(st.integers(0, 2), min_size=13, max_size=13),
    st.sampled_from(["\n", "\r\n"]),
    BLOCKS,
)
def test_any_block_gives_the_table_of_a_loop(path, cells, empty, end, block):
    written(path, [f"{row}.jpg,{a},{b}" for row, (a, b) in enumerate(cells)], empty, end)
    with patch.object(csv_blocks, "BLOCK", block):
        found = read_labels(path)
    assert found.table.to_dense().tolist() == [[STATES[a], STATES[b]] for a, b in cells]
    odd = sorted({cell for pair in cells for cell in pair if len(cell) > 1})
    assert found.notes == () if not odd else ", ".join(odd) in found.notes[0]


@settings(max_examples=60)
@given(
    st.lists(st.integers(0, 2), min_size=10, max_size=10),
    st.integers(0, 8),
    st.sampled_from(
        [
            ("x.jpg,2,", "class 'a': the value '2'"),
            ("x.jpg,1", "2 fields, but the header has 3"),
            ('x.jpg,1,"0', "a quote is not closed"),
            ('x.jpg,1,a"0"', "a quote inside a field"),
            ("x.jpg,1,\0", "a NUL byte"),
            ("x.jpg,1\r,", "a carriage return"),
            (",1,1", "the image has no name"),
        ]
    ),
    BLOCKS,
)
def test_any_block_names_the_line_that_is_wrong(path, empty, place, wrong, block):
    rows = [f"{row}.jpg,1,0" for row in range(9)]
    rows[place], problem = wrong
    line = written(path, rows, empty, "\n")[place]
    with patch.object(csv_blocks, "BLOCK", block), pytest.raises(LabelError) as caught:
        read_labels(path)
    assert f"line {line}: " in str(caught.value)
    assert problem in str(caught.value)


def test_columns_of_states_take_a_byte_a_line(path):
    path.write_text("image,a,b\n0.jpg,1,\n1.jpg,,yes\n")
    kinds = [str(getattr(column, "dtype", "text")) for column in read_raw(path).columns]
    assert kinds == ["text", "int8", "text"]
    as_text = read_raw(path, as_text=True).columns
    assert [column.to_pylist() for column in as_text] == [
        ["0.jpg", "1.jpg"],
        ["1", ""],
        ["", "yes"],
    ]
