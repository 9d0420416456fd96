import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from largeloss.data.importers import arff
from largeloss.errors import DataError

HEAD = r"""% a comment
@RELATION 'Toy: -C 2 -R'

@attribute sunset {0,1}
@ATTRIBUTE "on sea" {1, 0}
@attribute width numeric
@attribute "it's colour" {red,'dark blue',green}
@attribute depth REAL
@data
"""


def write(path: Path, text: str) -> Path:
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def refusal(tmp_path: Path, text: str, num_labels: int | None = None) -> str:
    with pytest.raises(DataError) as caught:
        arff.read(write(tmp_path / "toy.arff", text), num_labels)
    return str(caught.value)


@pytest.mark.parametrize("suffix", [".arff", ".arff.gz"])
def test_dense_rows(tmp_path: Path, suffix: str) -> None:
    rows = "1,0, 2.5 ,red,-1e3\n% between\n\n?,1,0,'dark blue',4\r\n0 , ? , 7 , \"green\" , .5\n"
    found = arff.read(write(tmp_path / f"Toy{suffix}", HEAD + rows))
    assert found.name == "Toy"
    assert found.table.classes == ("sunset", "on sea")
    assert found.table.images == ("0", "1", "2")
    np.testing.assert_array_equal(found.table.to_dense(), [[1, 0], [-1, 1], [0, -1]])
    assert found.features is not None
    assert found.features.dtype == np.float32
    np.testing.assert_array_equal(found.features, [[2.5, 0, -1000], [0, 1, 4], [7, 2, 0.5]])
    np.testing.assert_array_equal(found.splits["train"], [0, 1, 2])
    assert found.image_root is None
    assert found.notes == (
        "The first 2 attributes are the labels: sunset to on sea.",
        "1 of 3 features are nominal (it's colour): their values are numbered from 0 in the order "
        "of the file.",
        "2 labels are missing (?) and so unobserved.",
    )


def test_what_a_sparse_row_leaves_out_is_the_first_value(tmp_path: Path) -> None:
    rows = "{0 1, 1 0, 2 2.5, 3 'dark blue'}\n{}\n{ 1 ? ,4\t-2}\n1,1,1,red,1\n"
    found = arff.read(write(tmp_path / "toy.arff", HEAD + rows))
    # "on sea" lists 1 before 0
    np.testing.assert_array_equal(found.table.to_dense(), [[1, 0], [0, 1], [0, -1], [1, 1]])
    assert found.features is not None
    np.testing.assert_array_equal(found.features, [[2.5, 1, 0], [0, 0, 0], [0, 0, -2], [1, 0, 1]])


def test_labels_that_come_last(tmp_path: Path) -> None:
    head = (
        "@relation 'mulan'\n@attribute x numeric\n@attribute a {0,1}\n@attribute b {0,1}\n@data\n"
    )
    path = write(tmp_path / "toy.arff", head + "3,1,0\n")
    found = arff.read(path, -2)
    assert found.table.classes == ("a", "b")
    np.testing.assert_array_equal(found.table.to_dense(), [[1, 0]])
    assert found.notes == ("The last 2 attributes are the labels: a to b.",)
    write(path, head.replace("mulan", "meka: -C -2") + "3,1,0\n")
    assert arff.read(path).table == found.table
    assert arff.read(path, -2).table == found.table


@given(
    st.lists(
        st.tuples(
            st.sampled_from("01?"),
            st.sampled_from("01?"),
            st.floats(-1e30, 1e30, allow_subnormal=False),
            st.sampled_from(["red", "dark blue", "green"]),
            st.integers(-(10**9), 10**9),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_dense_and_sparse_say_the_same(tmp_path_factory, rows):
    folder = tmp_path_factory.getbasetemp()
    quoted = [[f"'{value}'" if " " in str(value) else str(value) for value in row] for row in rows]
    dense = "\n".join(",".join(row) for row in quoted)
    sparse = "\n".join(
        "{" + ", ".join(f"{index} {value}" for index, value in enumerate(row)) + "}"
        for row in quoted
    )
    first = arff.read(write(folder / "dense.arff", HEAD + dense))
    second = arff.read(write(folder / "sparse.arff", HEAD + sparse))
    assert first.table == second.table
    assert first.features is not None
    assert second.features is not None
    np.testing.assert_array_equal(first.features, second.features)
    colours = ["red", "dark blue", "green"]
    for row, values in enumerate(rows):
        expected = [-1 if value == "?" else int(value) for value in values[:2]]
        assert first.table.to_dense()[row].tolist() == expected
        number = [values[2], colours.index(values[3]), values[4]]
        np.testing.assert_array_equal(first.features[row], np.array(number, dtype=np.float32))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,0,2,red", "line 10: this is no ARFF that can be used (Bad @DATA instance format in"),
        ("1,0,2,red,1,5", "line 10: this is no ARFF that can be used (Bad @DATA instance format"),
        ("1,0,1,red,1\n1,0,two,red,1", "line 11: this is no ARFF that can be used (Invalid num"),
        ("2,0,1,red,1", "line 10: this is no ARFF that can be used (Data value 2 not found in"),
        ("1,0,1,100%d pink,1", "line 10: this is no ARFF that can be used"),
        ("1,0,1,'100%d pink',1", "(Data value 1001"),
        ("1,0,nan,red,1", "row 1: the feature 'width' is missing, infinite or too large"),
        ("1,0,inf,red,1", "row 1: the feature 'width' is missing, infinite or too large"),
        ("1,0,?,red,1\n1,0,1,red,?", "row 1: the feature 'width' is missing, infinite or too large "
         "for float32 (2 such values in all)"),
        ("1,0,1e60,red,1", "row 1: the feature 'width' is missing, infinite or too large"),
        ("1,0,1,'red,1", "line 10: this is no ARFF that can be used (Invalid layout"),
        ("{0 1", "line 10: this is no ARFF that can be used (Invalid layout"),
        ("{0 1}, {5}", "line 10: this is no ARFF that can be used (Invalid layout"),
        ("{0}", "line 10: this is no ARFF that can be used (Invalid layout"),
        ("{-1 1}", "line 10: this is no ARFF that can be used (Invalid layout"),
        ("{9 1}", "line 10: this is no ARFF that can be used (Bad @DATA instance format"),
        ("{2 wide}", "line 10: this is no ARFF that can be used (Invalid numerical value"),
        ("% nothing", "there is no row after @data"),
    ],
)  # fmt: skip
def test_rows_that_are_refused(tmp_path: Path, row: str, message: str) -> None:
    assert message in refusal(tmp_path, HEAD + row)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("@data\n", "", "line 9: this is no ARFF that can be used (Invalid layout"),
        ("@data\n1,0,1,red,1", "", "line 9: this is no ARFF that can be used (Invalid layout"),
        ("depth REAL", "depth string", "the attribute 'depth' has the type STRING"),
        ("depth REAL", "depth date", "line 8: this is no ARFF that can be used (Bad @ATTRIBUTE"),
        ("depth REAL", "depth", "line 8: this is no ARFF that can be used"),
        ("depth REAL", "width real", "line 8: this is no ARFF that can be used (Bad @ATTRIBUTE na"),
        ("sunset {0,1}", "sunset {no,yes}", "this is no ARFF"),
        ("1,0,1,red,1", "no,0,1,red,1", "(Data value no not found in nominal declaration, at li"),
        ("sunset {0,1}", "sunset numeric", "'sunset' should be a label, but is a number"),
        ("sunset {0,1}", "sunset {0,1,2}", "'sunset' should be a label, but is {0,1,2}; needed"),
        ("-C 2", "", "does not say with -C how many attributes are labels"),
        ("-C 2", "-C 5", "5 labels of 5 attributes"),
        ("-C 2", "-C 0", "0 labels of 5 attributes"),
    ],
)
def test_heads_that_are_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = HEAD + "1,0,1,red,1"
    assert old in text
    assert message in refusal(tmp_path, text.replace(old, new))


@pytest.mark.parametrize("kind", ["numeric", "real", "integer"])
def test_whatever_is_between_it_is_a_data_error(tmp_path: Path, kind: str) -> None:
    head = f"@relation 'x: -C 1'\n@attribute a {{0,1}}\n@attribute b {kind}\n@data\n"
    for value in ("nan", "-inf", "1e999", "a b", "'", '"', "{", "}", "\\x", ",", "%d", "0x10"):
        with pytest.raises(DataError):
            arff.read(write(tmp_path / "toy.arff", head + f"1,{value}\n"))


def test_a_number_that_contradicts_the_file(tmp_path: Path) -> None:
    found = refusal(tmp_path, HEAD + "1,0,1,red,1", -2)
    assert "-2 labels were asked for, but the relation's name says -C 2" in found
    found = refusal(tmp_path, (HEAD + "1,0,1,red,1").replace("-C 2", ""), -9)
    assert "-9 labels of 5 attributes" in found


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such file"):
        arff.read(tmp_path / "none.arff")
    path = tmp_path / "x.arff.gz"
    path.write_bytes(gzip.compress(HEAD.encode())[:-9])
    with pytest.raises(DataError, match=r"cannot be read \(.*Fetch the file again"):
        arff.read(path)
    path.write_bytes(gzip.compress(b"@relation \xff"))
    with pytest.raises(DataError, match="no UTF-8"):
        arff.read(path)


@pytest.mark.parametrize(
    ("name", "shape", "num_labels", "positives"),
    [
        ("Scene", (2407, 294), 6, [427, 364, 397, 433, 533, 431]),
        ("Yeast", (2417, 103), 14, None),
    ],
)
def test_real_files(
    real_data: Path, name: str, shape: tuple[int, int], num_labels: int, positives: list[int] | None
) -> None:
    path = real_data / "tabular" / f"{name}.arff.gz"
    found = arff.read(path, num_labels)
    assert found.features is not None
    assert found.features.shape == shape
    assert found.table.shape == (shape[0], num_labels)
    assert found.table.is_complete
    with gzip.open(path, "rt") as file:
        text = file.read()
    rows = [line.split(",") for line in text.split("@data")[1].split("\n") if line]
    counts = [sum(row[column] == "1" for row in rows) for column in range(num_labels)]
    assert found.table.counts().present.tolist() == counts
    assert positives is None or positives == counts
    for row in range(20):
        assert found.table.to_dense()[row].tolist() == [int(v) for v in rows[row][:num_labels]]
        expected = np.array([float(v) for v in rows[row][num_labels:]], dtype=np.float32)
        np.testing.assert_array_equal(found.features[row], expected)
