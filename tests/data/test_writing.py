"""Data folders: written whole or not at all, and read back as they were."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from largeloss.data import Dataset, FeatureArray, ImageFiles, read_folder
from largeloss.data.folder import write as writing
from largeloss.data.folder.dataset_json import read_description
from largeloss.data.folder.labels_and_splits import read_records
from largeloss.data.folder.write import Extras, write_folder
from largeloss.data.inputs.source import LabelsOnly
from largeloss.errors import ConfigError, DataError, LabelError
from largeloss.labels import LabelTable

CLASSES = ["zebra", "ant", "Cat"]


def data_of(
    labels: object, classes: list[str] | None = None, images: list[str] | None = None
) -> Dataset:
    table = LabelTable.from_dense(labels, images, classes)
    rows = np.arange(table.num_images)
    splits = {"train": rows[2:], "val": rows[:1], "test": rows[1:2]}
    return Dataset("some", LabelsOnly(len(rows)), table, splits, ("A note.",))


LABELS = [[1, 0, -1], [-1, -1, -1], [0, 1, 1], [-1, -1, 0]]


@pytest.mark.parametrize("large", [0, 10**9])
def test_labels_splits_and_orders_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: int
) -> None:
    monkeypatch.setattr(writing, "LARGE", large)
    dataset = data_of([[1, -1, -1], [-1, -1, -1], [0, -1, 1], [-1, -1, 0]], CLASSES)
    (tmp_path / "images").mkdir()
    write_folder(tmp_path / "out", dataset, Extras(tmp_path / "images"))
    records = read_records(tmp_path / "out")
    assert records.table == dataset.labels
    assert records.table.classes == tuple(CLASSES)
    assert records.labels_only().fingerprint == dataset.fingerprint
    assert {k: v.tolist() for k, v in records.splits.items()} == {
        "train": [2, 3], "val": [0], "test": [1],
    }  # fmt: skip
    found = read_folder(tmp_path / "out")
    assert found.name == "some"
    assert isinstance(found.source, ImageFiles)
    assert found.source.paths[3] == tmp_path / "images" / "3"
    described = read_description(tmp_path / "out")
    assert described is not None
    assert described.notes == ("A note.",)
    assert described.fingerprints == {"data": dataset.fingerprint}


@given(
    arrays.arrays(np.int8, (5, 3), elements=st.integers(-1, 1)),
    st.permutations(["split", "labels", "value"]),
    st.booleans(),
)
def test_any_table_comes_back(
    tmp_path_factory: pytest.TempPathFactory, labels: np.ndarray, classes: list[str], small: bool
) -> None:
    out = tmp_path_factory.mktemp("any") / "out"
    dataset = data_of(labels, classes if small else CLASSES)
    write_folder(out, dataset, Extras(Path(".")))
    assert read_records(out).table == dataset.labels


def test_features_come_back(tmp_path: Path) -> None:
    values = torch.randn(4, 5)
    write_folder(tmp_path / "out", data_of(LABELS, CLASSES), Extras(features=values))
    found = read_folder(tmp_path / "out")
    assert isinstance(found.source, FeatureArray)
    assert torch.equal(found.source.values, values)
    (tmp_path / "out/features.safetensors").unlink()
    with pytest.raises(DataError, match=r"neither images nor features\.safetensors"):
        read_folder(tmp_path / "out")


def test_images_may_be_given_relative_to_the_folder(tmp_path: Path) -> None:
    write_folder(tmp_path / "out", data_of(LABELS), Extras(tmp_path / "images"))
    path = tmp_path / "out/dataset.json"
    content = json.loads(path.read_text())
    assert content["images"] == str(tmp_path / "images")
    path.write_text(json.dumps(content | {"images": "../images"}))
    source = read_folder(tmp_path / "out").source
    assert isinstance(source, ImageFiles)
    assert source.paths[0].resolve() == tmp_path / "images/0"
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "images").mkdir()
    (tmp_path / "images/0").symlink_to(tmp_path / "secret")
    with pytest.raises(DataError, match="1 images lie outside"):
        read_folder(tmp_path / "out")


@pytest.mark.parametrize("kind", ["full", "file", "link"])
def test_what_is_there_is_never_overwritten(tmp_path: Path, kind: str) -> None:
    out = tmp_path / "out"
    if kind == "full":
        out.mkdir()
        (out / "mine.txt").write_text("mine")
    elif kind == "file":
        out.write_text("mine")
    else:
        out.symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="nothing was changed"):
        write_folder(out, data_of(LABELS), Extras(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_empty_folder_and_missing_parents_are_fine(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for out in (tmp_path / "empty", tmp_path / "a/b/c"):
        write_folder(out, data_of(LABELS), Extras(tmp_path))
        assert sorted(path.name for path in out.iterdir()) == ["dataset.json", "labels.parquet"]
        assert [path.name for path in out.parent.iterdir() if path.name.startswith(".")] == []
    assert (tmp_path / "empty").stat().st_mode & 0o777 == (tmp_path / "a").stat().st_mode & 0o777


def test_nothing_is_left_of_what_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LabelError, match="is blank"):
        write_folder(tmp_path / "out", data_of(LABELS, ["a", " ", "c"]), Extras(tmp_path))
    assert list(tmp_path.iterdir()) == []

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing, "write_text", full)
    with pytest.raises(ConfigError, match=r"cannot be written \(No space left on device\)"):
        write_folder(tmp_path / "out", data_of(LABELS), Extras(tmp_path))
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_folder(tmp_path / "file/out", data_of(LABELS), Extras(tmp_path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "has the format 2; this version of largeloss reads 1"),
        ({"classes": ["zebra", "ant"]}, "lists 2 classes and the label file has 3.*: 'Cat'"),
        ({"classes": ["zebra", "ant", "cat"]}, "not the same: 'Cat', 'cat'"),
        ({"classes": ["zebra", "ant", "Cat", "ant"]}, "one that is listed twice"),
        ({"classes": "zebra"}, r"cannot be understood \(Expected `array`"),
        ({"images": 3}, "cannot be understood"),
        ({"name": None}, "cannot be understood"),
    ],
)
def test_descriptions_that_are_wrong(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    write_folder(tmp_path / "out", data_of(LABELS, CLASSES), Extras(tmp_path))
    path = tmp_path / "out/dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(DataError, match=message):
        read_folder(tmp_path / "out")


def test_a_key_twice_is_not_taken_for_either_value(tmp_path: Path) -> None:
    write_folder(tmp_path / "out", data_of(LABELS, CLASSES), Extras(tmp_path))
    path = tmp_path / "out/dataset.json"
    path.write_text(path.read_text().replace("{", '{"name": "another",', 1))
    with pytest.raises(DataError, match="it has the key 'name' twice in one object"):
        read_folder(tmp_path / "out")


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"", b"[]"])
def test_descriptions_that_are_no_json(tmp_path: Path, content: bytes) -> None:
    write_folder(tmp_path / "out", data_of(LABELS, CLASSES), Extras(tmp_path))
    (tmp_path / "out/dataset.json").write_bytes(content)
    with pytest.raises(DataError, match=r"dataset\.json cannot be understood"):
        read_folder(tmp_path / "out")


def test_chosen_classes_and_labels_alone(tmp_path: Path) -> None:
    write_folder(tmp_path / "out", data_of(LABELS, CLASSES), Extras(tmp_path))
    assert read_folder(tmp_path / "out", classes=["ant"]).labels.classes == ("ant",)
    data = read_records(tmp_path / "out").labels_only()
    assert len(data.source) == 4
    assert data.source.sample_shape == (0,)
    assert data.source.in_memory
    with pytest.raises(DataError, match="labels alone"):
        data.source.read([0], [False])
