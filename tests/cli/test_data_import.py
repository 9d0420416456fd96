"""``largeloss data import``: miniature collections become data folders, or nothing does."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from trees_coco import write_coco
from trees_cub import write_cub
from trees_nuswide import write_nuswide, write_nuswide_spml
from trees_openimages import write_openimages
from trees_voc import Thing, make_images, write_voc

from largeloss.cli import run
from largeloss.cli.data.import_ import NAMES
from largeloss.data import FeatureArray, ImageFiles, read_folder
from largeloss.data.folder.boxes import read_boxes
from largeloss.data.importers import coco, cub, nuswide, openimages, voc
from largeloss.data.importers.imported import Imported
from largeloss.data.importers.registry import READERS, TAKES
from largeloss.data.protocol import val_hash

Import = Callable[..., tuple[int, str, str]]


@pytest.fixture
def imports(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Import:
    """Imports to ``tmp_path / "data"``; nothing half-written may stay beside it."""

    def command(*arguments: object) -> tuple[int, str, str]:
        given = [str(argument) for argument in arguments]
        code = run(["data", "import", *given, "--out", str(tmp_path / "data")])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
        if code:
            assert not (tmp_path / "data").exists()
        return code, out, err

    return command


def check_same(folder: Path, expected: Imported) -> None:
    """Labels, order of images and classes, official splits, boxes and images are those."""
    found = read_folder(folder)
    assert found.labels == expected.table
    assert found.name == expected.name
    splits = dict(expected.splits)
    if "val" not in splits:
        both = np.sort(np.concatenate([found.splits["train"], found.splits["val"]]))
        np.testing.assert_array_equal(both, splits.pop("train"))
        assert len(found.splits["val"]) == round(0.2 * len(both))
    for name, rows in splits.items():
        np.testing.assert_array_equal(found.splits[name], rows)
    if expected.image_root is not None:
        assert isinstance(found.source, ImageFiles)
        assert found.source.paths == tuple(expected.image_root / n for n in expected.table.images)
    assert (folder / "boxes.parquet").is_file() == (expected.boxes is not None)
    if expected.boxes is not None:
        boxes = read_boxes(folder / "boxes.parquet", found.labels)
        for ours, theirs in zip(boxes, expected.boxes, strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("year", [2007, 2012])
def test_voc(imports: Import, tmp_path: Path, year: int) -> None:
    write_voc(tmp_path / "tree", year)
    code, out, err = imports(f"voc{year}", tmp_path / "tree")
    assert code == 0, err
    expected = voc.read(tmp_path / "tree", year)
    check_same(tmp_path / "data", expected)
    assert f"voc{year}: 20 train (published: {5011 if year == 2007 else 5717:,})" in out
    assert "Different from the published: train, test." in out
    assert f"val rows {val_hash(20)}" in out
    assert "single positives " in out
    assert "marked difficult" in err
    content = json.loads((tmp_path / "data/dataset.json").read_text())
    assert content["format"] == 1
    assert content["published"]["classes"] == 20
    assert content["fingerprints"]["val_rows"] == val_hash(20)


@pytest.mark.parametrize("year", [2014, 2017])
def test_coco(imports: Import, tmp_path: Path, year: int) -> None:
    write_coco(tmp_path / "tree", year)
    code, out, err = imports(f"coco{year}", tmp_path / "tree")
    assert code == 0, err
    check_same(tmp_path / "data", coco.read(tmp_path / "tree", year))
    assert "80 classes (published: 80)" in out


def test_cub(imports: Import, tmp_path: Path) -> None:
    write_cub(tmp_path / "tree")
    code, _, err = imports("cub", tmp_path / "tree")
    assert code == 0, err
    check_same(tmp_path / "data", cub.read(tmp_path / "tree"))


@pytest.mark.parametrize("version", ["official", "spml"])
def test_nuswide(imports: Import, tmp_path: Path, version: str) -> None:
    write = write_nuswide if version == "official" else write_nuswide_spml
    write(tmp_path / "tree")
    code, _, err = imports("nuswide", tmp_path / "tree", "--version", version)
    assert code == 0, err
    check_same(tmp_path / "data", nuswide.read(tmp_path / "tree", version))


def test_openimages(imports: Import, tmp_path: Path) -> None:
    write_openimages(tmp_path / "tree")
    code, out, err = imports("openimages-v3", tmp_path / "tree")
    assert code == 0, err
    check_same(tmp_path / "data", openimages.read(tmp_path / "tree"))
    assert "For the record" not in out  # the owners have a val split


def test_class_folders(imports: Import, tmp_path: Path, image_folder: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "tree" / name).mkdir(parents=True)
    for row, path in enumerate(sorted(image_folder.glob("images/*"))):
        (tmp_path / "tree" / ("cat", "dog")[row % 2] / path.name).write_bytes(path.read_bytes())
    code, _, err = imports("folder", tmp_path / "tree")
    assert code == 2
    assert "--unlisted unknown" in err
    code, _, err = imports("folder", tmp_path / "tree", "--unlisted", "absent")
    assert code == 0, err
    assert "No split was given" in err
    found = read_folder(tmp_path / "data")
    assert found.labels.is_complete
    assert {k: len(v) for k, v in found.splits.items()} == {"train": 19, "val": 5, "test": 6}


def test_label_files(imports: Import, image_folder: Path, tmp_path: Path) -> None:
    code, _, err = imports("csv", image_folder / "labels.csv")
    assert code == 0, err
    ours, theirs = read_folder(tmp_path / "data"), read_folder(image_folder)
    assert ours.labels == theirs.labels
    assert ours.fingerprint == theirs.fingerprint
    assert isinstance(ours.source, ImageFiles)
    assert isinstance(theirs.source, ImageFiles)
    assert ours.source.paths == theirs.source.paths


def test_label_files_in_a_foreign_coding(
    imports: Import, image_folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "spml.csv"
    path.write_text("image,a,b\n00.png,1,-1\n01.png,0,1\n02.png,0,0\n03.png,1,1\n04.png,1,1\n")
    images = image_folder / "images"
    code, _, err = imports("csv", path, "--images", images, "--coding", "zero-unobserved")
    assert code == 0, err
    labels = read_folder(tmp_path / "data").labels.to_dense().tolist()
    assert labels == [[1, 0], [-1, 1], [-1, -1], [1, 1], [1, 1]]


def test_a_value_that_the_coding_does_not_have(imports: Import, tmp_path: Path) -> None:
    (tmp_path / "wrong.csv").write_text("image,a\n00.png,5\n")
    code, _, err = imports("csv", tmp_path / "wrong.csv", "--coding", "complete")
    assert code == 2
    assert "wrong.csv, line 2: column 'a': the coding 'complete' has no value '5'" in err


def test_arff(imports: Import, tmp_path: Path) -> None:
    lines = ["@relation 'mini'", "@attribute f numeric", "@attribute g numeric"]
    lines += ["@attribute a {0,1}", "@attribute b {0,1}", "@data"]
    lines += [f"{row},{row / 2},{row % 2},{(row + 1) % 2}" for row in range(20)]
    path = tmp_path / "mini.arff.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    code, _, err = imports("arff", path)
    assert code == 2
    assert "does not say with -C" in err
    code, _, err = imports("arff", path, "--num-labels", "-2")
    assert code == 0, err
    found = read_folder(tmp_path / "data")
    assert isinstance(found.source, FeatureArray)
    assert found.source.values[:, 1].tolist() == [row / 2 for row in range(20)]
    assert found.labels.classes == ("a", "b")
    assert {k: len(v) for k, v in found.splits.items()} == {"train": 13, "val": 3, "test": 4}


def test_real_images(imports: Import, real_data: Path, tmp_path: Path) -> None:
    code, out, err = imports("coco2017", real_data / "coco-mini")
    assert code == 0, err
    check_same(tmp_path / "data", coco.read(real_data / "coco-mini", 2017))
    assert "80 train (published: 117,266), 79 test (published: 4,952)" in out


def test_bad_images(imports: Import, tmp_path: Path) -> None:
    folder = write_voc(tmp_path / "tree", 2012, make_images(2012, 1, 40))
    names = sorted(path.name for path in (folder / "JPEGImages").iterdir())
    for name in names[:12]:
        (folder / "JPEGImages" / name).unlink()
    (folder / "JPEGImages" / names[20]).write_bytes(b"no image")
    code, _, err = imports("voc2012", tmp_path / "tree")
    assert code == 2
    assert "12 of 50 images are missing:" in err
    assert "… and 2 more" in err
    assert "1 of 50 images cannot be read:" in err
    assert names[20] in err
    assert "--bad-images skip" in err
    code, _, err = imports("voc2012", tmp_path / "tree", "--no-decode")
    assert code == 2
    assert "cannot be read" not in err
    code, _, err = imports("voc2012", tmp_path / "tree", "--bad-images", "skip")
    assert code == 0, err
    assert "They are left out." in err
    whole, found = voc.read(tmp_path / "tree", 2012), read_folder(tmp_path / "data")
    kept = [row for row, name in enumerate(whole.table.images) if name not in names[:12]]
    kept = [row for row in kept if whole.table.images[row] != names[20]]
    assert found.labels == whole.table.select(kept)
    boxes = read_boxes(tmp_path / "data/boxes.parquet", found.labels)
    assert whole.boxes is not None
    there = [
        (whole.table.images[row], column, corners.tolist())
        for row, column, corners in zip(*whole.boxes[:3], strict=True)
        if row in kept
    ]
    assert there == [
        (found.labels.images[row], column, corners.tolist())
        for row, column, corners in zip(*boxes[:3], strict=True)
    ]


def test_not_one_usable_image(imports: Import, tmp_path: Path) -> None:
    folder = write_voc(tmp_path / "tree", 2012)
    for name in (folder / "ImageSets/Main/val.txt").read_text().split():
        (folder / f"JPEGImages/{name}.jpg").unlink()
    code, _, err = imports("voc2012", tmp_path / "tree", "--bad-images", "skip")
    assert code == 2
    assert "Not one image of the test split of voc2012 can be used" in err


def test_labels_alone(imports: Import, tmp_path: Path) -> None:
    write_cub(tmp_path / "tree", with_images=False)
    (tmp_path / "tree/CUB_200_2011/images").rmdir()
    code, _, err = imports("cub", tmp_path / "tree")
    assert code == 2
    assert "images is not there: the 5 images were looked for in this folder" in err
    code, _, err = imports("cub", tmp_path / "tree", "--no-images")
    assert code == 0, err


def external_entity(root: Path) -> tuple[str, ...]:
    folder = write_voc(root, 2012)
    path = next((folder / "Annotations").iterdir())
    text = path.read_text().replace("The VOC Database", "&secret;")
    path.write_text('<!DOCTYPE a [<!ENTITY secret SYSTEM "file:///etc/passwd">]>' + text)
    return "voc2012", path.name


def half_a_json(root: Path) -> tuple[str, ...]:
    write_coco(root, 2017)
    path = root / "annotations/instances_val2017.json"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return "coco2017", "instances_val2017.json"


def other_classes(root: Path) -> tuple[str, ...]:
    write_nuswide_spml(root)
    (root / "ConceptsList").mkdir()
    (root / "ConceptsList/Concepts81.txt").write_text("airport\nanimal\n")
    return "nuswide", "the labels have 4 columns, but Concepts81.txt has 2", "--version", "spml"


def no_image_folder(root: Path) -> tuple[str, ...]:
    folder = write_voc(root, 2012)
    (folder / "JPEGImages").rename(root / "elsewhere")
    return "voc2012", "has no folder JPEGImages"


def unknown_class_id(root: Path) -> tuple[str, ...]:
    folder = write_openimages(root)
    path = folder / "validation/annotations-human.csv"
    path.write_text(path.read_text() + "0000c64e1253d68f,verification,/m/zzz,1\n")
    return "openimages-v3", "the class '/m/zzz' is neither"


def unknown_class(root: Path) -> tuple[str, ...]:
    write_voc(root, 2012, {"2008_000001": [Thing("unicorn")]})
    return "voc2012", "unicorn"


def names_that_lead_out(root: Path) -> tuple[str, ...]:
    root.mkdir()
    (root / "labels.csv").write_text("image,split,a\n../x.png,train,1\ny.png,train,0\n")
    return "csv", "1 images lie outside"


def one_image(root: Path) -> tuple[str, ...]:
    root.mkdir()
    (root / "labels.csv").write_text("image,split,a\ny.png,test,0\n")
    return "csv", "has no training images", "--no-images"


def wrong_bytes(root: Path) -> tuple[str, ...]:
    root.mkdir()
    (root / "labels.csv").write_bytes(b"image,a\n\xff\xfe\xfa,1\n")
    return "csv", "line 2: bytes that are no UTF-8"


@pytest.mark.parametrize(
    "write",
    [
        external_entity, half_a_json, other_classes, no_image_folder, unknown_class_id,
        unknown_class, names_that_lead_out, one_image, wrong_bytes,
    ],
    ids=lambda function: function.__name__,
)  # fmt: skip
def test_wrong_trees_leave_nothing(
    imports: Import, tmp_path: Path, write: Callable[[Path], tuple[str, ...]]
) -> None:
    name, message, *more = write(tmp_path / "tree")
    code, _, err = imports(name, tmp_path / "tree", *more)
    assert code == 2
    assert message in err
    assert err.startswith("Error: ")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_at_all(imports: Import, tmp_path: Path, name: str) -> None:
    more = {"nuswide": ["--version", "spml"], "folder": ["--unlisted", "absent"]}.get(name, [])
    code, _, err = imports(name, tmp_path / "none", *more)
    assert code == 2
    assert str(tmp_path / "none") in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["voc2011"], "There is no collection 'voc2011'. Did you mean 'voc20"),
        (["voc2012", "--version", "spml"], "--version is for nuswide, not for voc2012"),
        (["cub", "--num-labels", "3"], "--num-labels is for arff, not for cub"),
        (["arff", "--unlisted", "absent"], "--unlisted is for folder and csv, not for arff"),
        (["folder", "--coding", "complete"], "--coding is for csv"),
        (["nuswide"], "Say --version official or --version spml"),
        (["nuswide", "--version", "new"], "got 'new'"),
        (["voc2012", "--bad-images", "ignore"], "must be error or skip, got 'ignore'"),
        (["csv", "--coding", "spml"], "no such file"),
        (["voc2012", "--workers", "0"], "--workers"),
        (["nuswide", "--version", "spml", "--download"], "Fetch the images, ImageList.zip"),
        (["openimages-v3", "--download"], "annotations_human_2017_11.tar.gz"),
        (["csv", "--download"], "made of files of your own"),
    ],
)
def test_wrong_options(imports: Import, tmp_path: Path, arguments: list[str], message: str) -> None:
    code, _, err = imports(arguments[0], tmp_path / "labels.csv", *arguments[1:])
    assert code == 2
    assert message in err


def test_what_is_there_stays(imports: Import, tmp_path: Path) -> None:
    write_voc(tmp_path / "tree", 2012)
    assert imports("voc2012", tmp_path / "tree")[0] == 0
    before = {path: path.read_bytes() for path in (tmp_path / "data").iterdir()}
    code = run(["data", "import", "cub", "nowhere", "--out", str(tmp_path / "data")])
    assert code == 2
    assert {path: path.read_bytes() for path in (tmp_path / "data").iterdir()} == before


def test_the_names_of_the_help_are_those_of_the_readers() -> None:
    assert tuple(READERS) == NAMES
    assert set(TAKES) <= set(NAMES)


@pytest.mark.parametrize("name", ["voc2012", "nuswide", "openimages-v3", "csv"])
def test_training_on_what_was_imported(
    imports: Import, tmp_path: Path, name: str, image_folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    more: list[str] = []
    if name == "voc2012":
        write_voc(tmp_path / "tree", 2012)
    elif name == "nuswide":
        tags = {f"a/{row}.jpg": [row % 4] for row in range(20)}
        test = {f"b/{row}.jpg": [row % 4] for row in range(8)}
        write_nuswide(tmp_path / "tree", {"train": tags, "test": test})
        more = ["--version", "official"]
    elif name == "openimages-v3":
        write_openimages(tmp_path / "tree")
    else:
        (tmp_path / "tree").symlink_to(image_folder)
    assert imports(name, tmp_path / "tree", *more)[0] == 0
    observe = ["--observe", "single-positive"] if name != "openimages-v3" else []
    code = run([
        "train", str(tmp_path / "data"), "--out", str(tmp_path / "run"), "--backbone", "digits",
        "--image-size", "16", "--epochs", "1", "--workers", "0", *observe,
    ])  # fmt: skip
    out, err = capsys.readouterr()
    assert code == 0, err
    assert "Test mAP" in out
    assert (tmp_path / "run/result.json").is_file()
