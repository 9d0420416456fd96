"""Label files as others write them: pandas, spreadsheets, and lists with a meaning a split."""

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from largeloss.errors import ConfigError, LabelError
from largeloss.labels import read_labels
from largeloss.labels.files.header import unlisted_by_split

PANDAS = "image,cat,dog\na,1.0,NaN\nb,0.0,1.0\nc,TRUE,False\nd,nan,\n"


def test_finding_24_values_of_pandas_are_read_with_one_note(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(PANDAS)
    found = read_labels(path)
    assert found.table.to_dense().tolist() == [[1, -1], [0, 1], [1, 0], [-1, -1]]
    (note,) = found.notes
    assert "0.0, 1.0, False, NaN, TRUE, nan" in note
    path.write_text("image,label,value\na,cat,1.0\na,dog,FALSE\nb,dog,nan\n")
    found = read_labels(path)
    assert found.table.to_dense().tolist() == [[1, 0], [-1, -1]]
    assert len(found.notes) == 1
    path.write_text("image,cat\na,1\nb,0\nc,\n")
    assert read_labels(path).notes == ()


@pytest.mark.parametrize("kind", [pa.float64(), pa.float16(), pa.float32()])
def test_finding_24_nan_in_parquet_is_unobserved(tmp_path: Path, kind: pa.DataType) -> None:
    path = tmp_path / "labels.parquet"
    cat = pa.array([1.0, 0.0, float("nan"), None], kind, from_pandas=False)
    parquet.write_table(pa.table({"image": ["a", "b", "c", "d"], "cat": cat}), path)
    found = read_labels(path)
    assert found.table.to_dense().tolist() == [[1], [0], [-1], [-1]]
    assert "NaN" in found.notes[0]


@pytest.mark.parametrize("value", ["2.0", "-1.0", "yes", "1.0.0", "infinity", "tru"])
def test_finding_24_other_values_are_still_refused(tmp_path: Path, value: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(f"image,cat\na,1.0\nb,{value}\n")
    with pytest.raises(LabelError, match=f"line 3: .*the value '{value}' is unknown"):
        read_labels(path)


def test_finding_21_large_numbers_of_parquet(tmp_path: Path) -> None:
    path = tmp_path / "labels.parquet"
    cat = pa.array([1, 2**63], pa.uint64())
    parquet.write_table(pa.table({"image": ["a", "b"], "cat": cat}), path)
    with pytest.raises(LabelError, match="row 2: image 'b', class 'cat': the value 922"):
        read_labels(path)


@pytest.mark.parametrize(("separator", "name"), [(";", "semicolons"), ("\t", "tabs")])
def test_finding_24_other_separators_are_named(tmp_path: Path, separator: str, name: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("image,cat,dog\na,1,0\n".replace(",", separator))
    with pytest.raises(LabelError, match=f"separated by {name}; commas are needed"):
        read_labels(path)
    path.write_text("image;cat\na;1,0\n".replace(";", separator))  # decimals with commas
    with pytest.raises(LabelError, match=f"separated by {name}"):
        read_labels(path)


@pytest.mark.parametrize(
    "text",
    [
        "image,split," + 140_000 * "c" + "\na,train,1\n",
        "image,split,cat\n" + 140_000 * "n" + ",train\n",
    ],
)
def test_finding_21_very_long_fields(tmp_path: Path, text: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(LabelError, match=r"line [12]: cannot be read as CSV"):
        read_labels(path)


LIST = "image,split,labels\na,train,cat\nb,test,dog\nc,train,\nd,test,\n"


def test_two_words_for_one_split_are_refused() -> None:
    with pytest.raises(ConfigError, match="two words for one split"):
        unlisted_by_split("train=unknown,train=absent", ["train"])


def test_finding_24_unlisted_by_split(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(LIST)
    table = read_labels(path, unlisted="train=unknown, test=absent").table
    assert table.to_dense().tolist() == [[1, -1], [0, 1], [-1, -1], [0, 0]]
    with pytest.raises(ConfigError, match="nothing of the split 'test'"):
        read_labels(path, unlisted="train=unknown")
    for text in ("train=maybe,test=absent", "exam=absent", "absent,unknown", ""):
        with pytest.raises(ConfigError, match="A word for each split is written train=unknown"):
            read_labels(path, unlisted=text)
    path.write_text("image,labels\na,cat\nb,dog\n")
    for text in ("train=absent", "train=unknown,val=absent,test=absent"):
        with pytest.raises(ConfigError, match="has no column 'split': images are drawn into"):
            read_labels(path, unlisted=text)
    assert read_labels(path, unlisted="absent").table.to_dense().tolist() == [[1, 0], [0, 1]]


def test_finding_20_arrow_is_given_no_memory_of_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread of Arrow's that lets go of such memory after the interpreter's end aborts."""
    from largeloss.labels.files import raw

    addresses = []

    def spy(given: bytes) -> object:
        addresses.append(pa.py_buffer(given).address)
        stream = original(given)
        assert stream.read_buffer().to_pybytes() == given
        stream.seek(0)
        addresses.append(stream.read_buffer().address)
        stream.seek(0)
        return stream

    original = raw._as_stream
    monkeypatch.setattr(raw, "_as_stream", spy)
    (tmp_path / "labels.csv").write_text("image,cat\na,1\n")
    read_labels(tmp_path / "labels.csv")
    ours, theirs = addresses
    assert ours != theirs
