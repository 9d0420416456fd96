"""``largeloss data split`` and ``join``: new folders of old ones."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from trees_coco import write_coco
from trees_voc import write_voc

from largeloss.cli import run
from largeloss.data import FeatureArray, ImageFiles, read_folder
from largeloss.data.folder.boxes import read_boxes
from largeloss.data.folder.read import write_features
from largeloss.data.stratify import stratified_split

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def data(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """Runs ``largeloss data …``; no hidden folder may stay."""

    def command(*arguments: object) -> tuple[int, str, str]:
        code = run(["data", *map(str, arguments)])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
        return code, out, err

    return command


@pytest.fixture
def voc_data(data: Command, tmp_path: Path) -> Path:
    write_voc(tmp_path / "trees", 2012)
    data("import", "voc2012", tmp_path / "trees", "--out", tmp_path / "voc")
    return tmp_path / "voc"


@pytest.fixture
def coco_data(data: Command, tmp_path: Path) -> Path:
    write_coco(tmp_path / "trees-coco", 2017)
    data("import", "coco2017", tmp_path / "trees-coco", "--out", tmp_path / "coco")
    return tmp_path / "coco"


def test_split(data: Command, voc_data: Path, tmp_path: Path) -> None:
    shares = ("--shares", "train=0.5,val=0.25,test=0.25", "--seed", 3)
    code, out, err = data("split", voc_data, *shares, "--out", tmp_path / "new")
    assert code == 0, err
    old, new = read_folder(voc_data), read_folder(tmp_path / "new")
    assert new.labels == old.labels
    expected = stratified_split(old.labels, {"train": 0.5, "val": 0.25, "test": 0.25}, 3)
    for name, rows in expected.items():
        np.testing.assert_array_equal(new.splits[name], rows)
    assert isinstance(new.source, ImageFiles)
    assert isinstance(old.source, ImageFiles)
    assert tuple(new.source.paths) == tuple(old.source.paths)
    for ours, theirs in zip(
        read_boxes(tmp_path / "new/boxes.parquet", new.labels),
        read_boxes(voc_data / "boxes.parquet", old.labels),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)
    assert "standard deviations" in out
    notes = json.loads((tmp_path / "new/dataset.json").read_text())["notes"]
    assert "stratified by class, seed 3" in notes[-1]


def test_split_of_a_folder_of_the_users_own(
    data: Command, image_folder: Path, tmp_path: Path
) -> None:
    code, _, err = data("split", image_folder, "--out", tmp_path / "new")
    assert code == 0, err
    new = read_folder(tmp_path / "new")
    assert new.labels == read_folder(image_folder).labels
    assert isinstance(new.source, ImageFiles)
    assert all(path.is_file() for path in new.source.paths)


def test_split_of_features_and_a_missing_val(data: Command, tmp_path: Path) -> None:
    folder = tmp_path / "features"
    folder.mkdir()
    names = [f"i{row}" for row in range(20)]
    lines = [f"{name},{row % 2},{row % 3 % 2}" for row, name in enumerate(names)]
    (folder / "labels.csv").write_text("image,b,a\n" + "\n".join(lines) + "\n")
    values = torch.randn(20, 3)
    write_features(folder / "features.safetensors", values, names)
    shares = ("--shares", "train=0.75,test=0.25")
    code, _, err = data("split", folder, *shares, "--out", tmp_path / "new")
    assert code == 0, err
    assert "No val split was given" in err
    new = read_folder(tmp_path / "new")
    assert isinstance(new.source, FeatureArray)
    assert torch.equal(new.source.values, values)
    assert set(new.splits) == {"train", "val", "test"}


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ("train=0.7,val=0.2", "add up to 0.9"),
        ("train=1", "'train=1' has train alone, and a data folder needs val or test"),
        ("train=0.7", "'train=0.7' has train alone"),
        ("train=1.5,val=-0.5", "'train=1.5'"),
        ("train", "cannot be understood at 'train'"),
        ("train=a,val=b", "'train=a'"),
        ("train=0.5,train=0.5", "'train=0.5'"),
        ("train=nan,val=1", "'train=nan'"),
        ("train=0.5,exam=0.5", "must be of train, and of val, test or both"),
        ("train=0.999,val=0.001", "The val split would be empty"),
        ("", "cannot be understood at ''"),
    ],
)
def test_wrong_shares(
    data: Command, image_folder: Path, tmp_path: Path, shares: str, message: str
) -> None:
    code, _, err = data("split", image_folder, "--shares", shares, "--out", tmp_path / "new")
    assert code == 2
    assert message in err
    assert not (tmp_path / "new").exists()


def test_join(data: Command, voc_data: Path, coco_data: Path, tmp_path: Path) -> None:
    rename = ("--rename", "v:tvmonitor=tv", "--rename", "v:motorbike=motorcycle")
    code, out, err = data(
        "join", f"v={voc_data}", f"c={coco_data}", *rename, "--out", tmp_path / "both"
    )
    assert code == 0, err
    one, two, both = (read_folder(path) for path in (voc_data, coco_data, tmp_path / "both"))
    assert both.name == "v+c"
    changed = {"tvmonitor": "tv", "motorbike": "motorcycle"}
    first = [changed.get(name, name) for name in one.labels.classes]
    assert both.labels.classes == (*first, *(n for n in two.labels.classes if n not in first))
    assert isinstance(both.source, ImageFiles)
    assert isinstance(one.source, ImageFiles)
    assert isinstance(two.source, ImageFiles)
    assert tuple(both.source.paths) == (*one.source.paths, *two.source.paths)
    num = one.labels.num_images
    dense = both.labels.to_dense()
    np.testing.assert_array_equal(dense[:num, :20], one.labels.to_dense())
    assert (dense[:num, 20:] == -1).all()
    for split, rows in both.splits.items():
        expected = [*one.splits[split], *(two.splits[split] + num)]
        np.testing.assert_array_equal(rows, expected)
    boxes = read_boxes(tmp_path / "both/boxes.parquet", both.labels)
    for part, folder, start in ((one, voc_data, 0), (two, coco_data, num)):
        own = read_boxes(folder / "boxes.parquet", part.labels)
        inside = (boxes.rows >= start) & (boxes.rows < start + part.labels.num_images)
        np.testing.assert_array_equal(boxes.rows[inside] - start, own.rows)
        np.testing.assert_array_equal(boxes.corners[inside], own.corners)
        names = [changed.get(part.labels.classes[c], part.labels.classes[c]) for c in own.columns]
        assert [both.labels.classes[c] for c in boxes.columns[inside]] == names
    assert "unobserved on its images" in out
    code, _, err = data("check", tmp_path / "both")
    assert code == 0, err
    code, _, err = data("split", tmp_path / "both", "--out", tmp_path / "again")
    assert code == 0, err
    assert read_folder(tmp_path / "again").source == both.source
    code, _, err = data("join", f"x={tmp_path / 'both'}", "--out", tmp_path / "nested")
    assert code == 2
    assert "was itself joined of v, c" in err


def test_join_without_boxes_and_of_features(
    data: Command, voc_data: Path, image_folder: Path, tmp_path: Path
) -> None:
    code, _, err = data("join", f"v={voc_data}", f"p={image_folder}", "--out", tmp_path / "j")
    assert code == 0, err
    assert "p has no boxes; those of the others are kept." in err
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "labels.csv").write_text(
            "image,split,cat\nx,train,1\ny,val,0\nz,test,1\n"
        )
        values = torch.full((3, 2), float(ord(name)))
        write_features(tmp_path / name / "features.safetensors", values, ["x", "y", "z"])
    parts = (f"a={tmp_path / 'a'}", f"b={tmp_path / 'b'}")
    code, _, err = data("join", *parts, "--out", tmp_path / "f")
    assert code == 0, err
    found = read_folder(tmp_path / "f")
    assert isinstance(found.source, FeatureArray)
    assert found.source.values[:, 0].tolist() == [97.0] * 3 + [98.0] * 3
    assert found.labels.images == ("a/x", "a/y", "a/z", "b/x", "b/y", "b/z")
    code, _, err = data("join", f"v={voc_data}", parts[0], "--out", tmp_path / "mixed")
    assert code == 2
    assert "Only inputs of one kind can be joined" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["images"], "'images' is not NAME=DATA"),
        (["=images"], "is not NAME=DATA"),
        (["a=none"], "none does not exist"),
        (["a=images", "a=images"], "Two collections are called 'a' and 'a'"),
        (["a=images", "--rename", "red=blue"], "is not NAME:OLD=NEW"),
        (["a=images", "--rename", "a:red"], "is not NAME:OLD=NEW"),
        (["a=images", "--rename", "a:red=x", "--rename", "a:red=y"], "renames a class twice"),
        (["a=images", "--rename", "a:rod=x"], "'a' has no class 'rod'. Did you mean 'red'?"),
        (["a=images", "--rename", "b:red=x"], "there is no such collection"),
        (["a=images", "--rename", "a:red=blue"], "would both be called 'blue'"),
        ([], "Missing argument"),
    ],
)
def test_wrong_joins(
    data: Command, image_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    arguments: list[str], message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(image_folder.parent)
    code, _, err = data("join", *arguments, "--out", tmp_path / "new")
    assert code == 2
    assert message in err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("command", ["split", "join"])
def test_what_is_there_stays(data: Command, image_folder: Path, command: str) -> None:
    before = (image_folder / "labels.csv").read_bytes()
    part = image_folder if command == "split" else f"a={image_folder}"
    code, _, err = data(command, part, "--out", image_folder)
    assert code == 2
    assert "is not empty" in err
    assert (image_folder / "labels.csv").read_bytes() == before
