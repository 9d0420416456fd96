"""A label file of the user's own as a collection."""

from pathlib import Path

import pytest

from largeloss.data.folder.labels_and_splits import read_records
from largeloss.data.importers.registry import read_label_file
from largeloss.errors import ConfigError, DataError, LabelError


def test_a_file_and_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("image,split,b,a\nx.png,train,1,\ny.png,test,0,1\nz.png,train,,\n")
    for given in (path, tmp_path):
        found = read_label_file(given)
        assert found.name == tmp_path.name
        assert found.table.classes == ("b", "a")
        assert found.table.to_dense().tolist() == [[1, -1], [0, 1], [-1, -1]]
        assert {k: v.tolist() for k, v in found.splits.items()} == {"train": [0, 2], "test": [1]}
        assert found.image_root == tmp_path
    assert read_label_file(path, images=[str(tmp_path / "p")]).image_root == tmp_path / "p"


def test_lists_and_codings(tmp_path: Path) -> None:
    (tmp_path / "tags.csv").write_text("image,split,labels\nx,train,a;b\ny,train,\n")
    found = read_label_file(tmp_path / "tags.csv", unlisted="absent")
    assert found.name == "tags"
    assert found.table.to_dense().tolist() == [[1, 1], [0, 0]]
    assert found.splits["train"].tolist() == [0, 1]
    (tmp_path / "spml.csv").write_text("image,split,a,b\nx,train,1,-1\ny,train,0,1\n")
    found = read_label_file(tmp_path / "spml.csv", coding="zero-unobserved")
    assert found.table.to_dense().tolist() == [[1, 0], [-1, 1]]


def test_splits_are_drawn_as_in_training(tmp_path: Path) -> None:
    lines = [f"{row}.png,{int(row % 7 == 0)},{row % 2}\n" for row in range(40)]
    (tmp_path / "labels.csv").write_text("image,rare,other\n" + "".join(lines))
    found, trained = read_label_file(tmp_path), read_records(tmp_path).labels_only()
    assert {name: rows.tolist() for name, rows in found.splits.items()} == {
        name: rows.tolist() for name, rows in trained.splits.items()
    }
    assert "every class has its share" in found.notes[0]


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no labels\.csv or labels\.parquet"):
        read_label_file(tmp_path)
    with pytest.raises(LabelError, match="there is no such file"):
        read_label_file(tmp_path / "none.csv")
    (tmp_path / "tags.csv").write_text("image,labels\nx,a\n")
    with pytest.raises(LabelError, match="--unlisted"):
        read_label_file(tmp_path / "tags.csv")
    with pytest.raises(ConfigError, match="--coding is for files with numbers"):
        read_label_file(tmp_path / "tags.csv", unlisted="absent", coding="complete")
