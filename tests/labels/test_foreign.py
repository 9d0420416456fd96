"""Label files in foreign codings, against the conversion of arrays."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from largeloss.errors import ConfigError, LabelError
from largeloss.labels import CODINGS, convert, read_labels

VALUES = {
    "zero-unobserved": [[1, -1], [0, 1], [0, 0]],
    "positives-only": [[1, 0], [0, 1], [0, 0]],
    "complete": [[1, 0], [0, 1], [0, 0]],
    "nan-unobserved": [[1, np.nan], [0, 1], [np.nan, 0]],
}


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("form", ["{:g}", "{:.1f}"])
def test_wide_files(tmp_path: Path, coding: str, form: str) -> None:
    values = np.array(VALUES[coding], dtype=np.float64)
    expected = convert(values, coding).tolist()
    rows = (",".join([str(row), *map(form.format, line)]) for row, line in enumerate(values))
    (tmp_path / "l.csv").write_text("image,a,b\n" + "\n".join(rows) + "\n")
    assert read_labels(tmp_path / "l.csv", coding=coding).table.to_dense().tolist() == expected
    columns = {"image": ["0", "1", "2"], "a": values[:, 0], "b": values[:, 1]}
    parquet.write_table(pa.table(columns), tmp_path / "l.parquet")
    found = read_labels(tmp_path / "l.parquet", coding=coding)
    assert found.table.to_dense().tolist() == expected


@pytest.mark.parametrize(("coding", "other"), [("positives-only", -1), ("complete", 0)])
def test_booleans(tmp_path: Path, coding: str, other: int) -> None:
    (tmp_path / "l.csv").write_text("image,a\nx,True\ny,FALSE\n")
    parquet.write_table(pa.table({"image": ["x", "y"], "a": [True, False]}), tmp_path / "l.parquet")
    for name in ("l.csv", "l.parquet"):
        found = read_labels(tmp_path / name, coding=coding).table
        assert found.to_dense().tolist() == [[1], [other]]


def test_long_files_and_blanks(tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    path.write_text("image,label,value\nx,a,1\nx,b,-1\ny,a,0\n")
    found = read_labels(path, coding="zero-unobserved").table
    assert found.to_dense().tolist() == [[1, 0], [-1, -1]]
    path.write_text("image,a\nx,1\ny,\nz,nan\n")
    found = read_labels(path, coding="nan-unobserved").table
    assert found.to_dense().tolist() == [[1], [-1], [-1]]


@pytest.mark.parametrize(
    ("content", "coding", "message"),
    [
        ("image,a,b\nx,1,0\n\ny,0,-1\n", "complete", "line 4: column 'b': .* no value '-1'"),
        ("image,a\nx,\n", "zero-unobserved", r"no value ''; it has 1, -1, 0"),
        ("image,a\nx,yes\n", "complete", "no value 'yes'"),
        ("image,a\nx,2\n", "nan-unobserved", "it has 1, 0, blank or nan"),
    ],
)
def test_values_that_the_coding_does_not_have(
    tmp_path: Path, content: str, coding: str, message: str
) -> None:
    (tmp_path / "l.csv").write_text(content)
    with pytest.raises(LabelError, match=message):
        read_labels(tmp_path / "l.csv", coding=coding)


def test_an_unknown_coding(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("image,a\nx,1\n")
    with pytest.raises(ConfigError, match="no coding 'spml'; there are zero-unobserved"):
        read_labels(tmp_path / "l.csv", coding="spml")
