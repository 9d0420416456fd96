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
from largeloss.data import FeatureArray, ImageFiles, published_split, read_folder
from largeloss.data.folder.boxes import read_boxes
from largeloss.data.importers import coco, cub, nuswide, openimages, voc
from largeloss.data.importers.imported import Imported
from largeloss.data.importers.registry import READERS
from largeloss.data.importers.to_folder import hash_numbers

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
        assert tuple(found.source.paths) == tuple(
            expected.image_root / n for n in expected.table.images
        )
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
    assert f"val rows {hash_numbers(published_split(20)[1])}" in out
    assert "single positives " in out
    assert "marked difficult" in err
    content = json.loads((tmp_path / "data/dataset.json").read_text())
    assert content["format"] == 1
    assert content["published"]["classes"] == 20
    assert content["fingerprints"]["val_rows"] == hash_numbers(published_split(20)[1])


@pytest.mark.parametrize("year", [2014, 2017])
def test_coco(imports: Import, tmp_path: Path, year: int) -> None:
    write_coco(tmp_path / "tree", year)
    code, out, err = imports(f"coco{year}", tmp_path / "tree")
    assert code == 0, err
    check_same(tmp_path / "data", coco.read(tmp_path / "tree", year))
    assert "80 classes (published: 80)" in out


def own_json(path: Path, images: dict[str, list[str]], names: list[str], boxes: bool) -> Path:
    """Anybody's json: image → categories; ids begin at 5 and go down, in the order of names."""
    ids = {name: 5 + len(names) - place for place, name in enumerate(names)}
    content = {
        "images": [{"id": row, "file_name": name} for row, name in enumerate(images)],
        "categories": [{"id": ids[name], "name": name, "supercategory": "x"} for name in names],
        "annotations": [
            {"image_id": row, "category_id": ids[one]} | ({"bbox": [1, 2, 3, 4]} if boxes else {})
            for row, present in enumerate(images.values())
            for one in present
        ],
    }
    path.write_text(json.dumps(content))
    return path


def own_images(folder: Path, names: list[str], image_folder: Path) -> Path:
    for name, path in zip(names, sorted(image_folder.glob("images/*")), strict=False):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(path.read_bytes())
    return folder


OWN = {"b/2.png": ["owl", "cat"], "a/1.png": [], "b/1.png": ["cat"], "3.png": ["owl"],
       "4.png": ["owl"], "5.png": ["cat"], "6.png": ["cat"]}  # fmt: skip


@pytest.mark.parametrize(("unlisted", "blank"), [("absent", 0), ("unknown", -1)])
@pytest.mark.parametrize("boxes", [True, False])
def test_anybodys_coco_json(
    imports: Import, tmp_path: Path, image_folder: Path, unlisted: str, blank: int, boxes: bool
) -> None:
    file = own_json(tmp_path / "mine.json", OWN, ["owl", "fox", "cat"], boxes)
    images = own_images(tmp_path / "images", list(OWN), image_folder)
    given = ["coco", "--annotations", file, "--images", images]
    code, _, err = imports(*given)
    assert code == 2
    assert "Say --unlisted unknown (nobody knows), or --unlisted absent" in err
    code, out, err = imports(*given, "--unlisted", unlisted)
    assert code == 0, err
    assert "mine: 7 train, 3 classes." in out
    assert "1 of 7 images of train have no annotation" in err
    found = read_folder(tmp_path / "data")
    assert list(found.labels.images) == list(OWN)
    assert found.labels.classes == ("owl", "fox", "cat")
    assert found.labels.to_dense().tolist() == [
        [1 if name in present else blank for name in ("owl", "fox", "cat")]
        for present in OWN.values()
    ]
    assert {k: len(v) for k, v in found.splits.items()} == {"train": 5, "val": 1, "test": 1}
    assert (tmp_path / "data/boxes.parquet").is_file() == boxes
    if boxes:
        read = read_boxes(tmp_path / "data/boxes.parquet", found.labels)
        assert read.rows.tolist() == [0, 0, 2, 3, 4, 5, 6]
        assert read.columns.tolist() == [0, 2, 2, 0, 0, 2, 2]
        assert read.corners[0].tolist() == [1, 2, 4, 6]
    else:
        assert "7 of 7 annotations of train have no box" in err


def test_coco_json_of_several_splits(imports: Import, tmp_path: Path, image_folder: Path) -> None:
    train = own_json(
        tmp_path / "train.json", {"1.png": ["owl"], "2.png": [], "3.png": []}, ["owl", "cat"], True
    )
    test = own_json(tmp_path / "test.json", {"1.png": ["cat"]}, ["cat", "owl"], True)
    own_images(tmp_path / "images/train", ["1.png", "2.png", "3.png"], image_folder)
    own_images(tmp_path / "images/held/out", ["1.png"], image_folder)
    files = ["--annotations", f"train={train}", "--annotations", f"test={test}"]
    one = f"{tmp_path / 'images'}/"
    code, _, err = imports("coco", *files, "--images", one, "--unlisted", "absent")
    assert code == 2
    assert "1 images are both in train and in test, for example '1.png'" in err
    folders = ["--images", f"train={tmp_path / 'images/train'}"]
    code, _, err = imports("coco", *files, *folders, "--unlisted", "absent")
    assert code == 2
    assert "--annotations is given for train, test, but --images for train." in err
    folders += ["--images", f"test={tmp_path / 'images/held/out'}"]
    code, _, err = imports("coco", *files, *folders, "--unlisted", "absent")
    assert code == 0, err
    found = read_folder(tmp_path / "data")
    assert found.labels.images[1:] == ("train/2.png", "train/3.png", "held/out/1.png")
    assert found.labels.to_dense().tolist() == [[1, 0], [0, 0], [0, 0], [0, 1]]
    assert found.splits["test"].tolist() == [3]
    assert isinstance(found.source, ImageFiles)
    assert found.source.paths[3] == tmp_path / "images/held/out/1.png"


def test_coco_json_that_is_refused(imports: Import, tmp_path: Path) -> None:
    one = own_json(tmp_path / "one.json", {"1.png": ["owl"]}, ["owl", "cat"], True)
    two = own_json(tmp_path / "two.json", {"2.png": ["owl"]}, ["owl", "dog"], True)
    none = own_json(tmp_path / "none.json", {}, ["owl"], True)
    for files, message in (
        ([], "coco needs --annotations FILE"),
        ([one, two], "--annotations is given twice for train"),
        ([f"train={one}", f"val={two}"], "have different categories: 1 are in the first only and"),
        ([f"test={one}"], "has no training images"),
        ([none], "none.json: there is no image or no category"),
        ([tmp_path / "absent.json"], "absent.json: cannot be read (No such file"),
    ):
        given = [part for file in files for part in ("--annotations", file)]
        more = ["--images", tmp_path, "--unlisted", "absent", "--no-images"]
        code, _, err = imports("coco", *given, *more)
        assert code == 2
        assert message in err


def test_real_coco_json(imports: Import, real_data: Path, tmp_path: Path) -> None:
    fashion = real_data / "fashion"
    code, out, err = imports(
        "coco", "--annotations", fashion / "annotations/boxes.json", "--images",
        fashion / "images", "--unlisted", "absent", "--no-decode",
    )  # fmt: skip
    assert code == 0, err
    assert "boxes: 783 train, 36 classes." in out
    found = read_folder(tmp_path / "data")
    content = json.loads((fashion / "annotations/boxes.json").read_text())
    names = {one["id"]: one["name"] for one in content["categories"]}
    images = {one["id"]: one["file_name"] for one in content["images"]}
    expected = {(images[a["image_id"]], names[a["category_id"]]) for a in content["annotations"]}
    rows, columns, states = found.labels.entries()
    present = zip(rows[states == 1], columns[states == 1], strict=True)
    assert {(found.labels.images[r], found.labels.classes[c]) for r, c in present} == expected
    assert found.labels.is_complete


def test_the_official_release_as_anybodys_json(
    imports: Import, real_data: Path, tmp_path: Path
) -> None:
    root = real_data / "coco-mini"
    arguments: list[object] = ["coco", "--unlisted", "absent"]
    for split, folder in (("train", "train2017"), ("test", "val2017")):
        arguments += ["--annotations", f"{split}={root}/annotations/instances_{folder}.json"]
        arguments += ["--images", f"{split}={root / folder}"]
    code, _, err = imports(*arguments)
    assert code == 0, err
    found, official = read_folder(tmp_path / "data"), coco.read(root, 2017)
    assert sorted(found.labels.images) == sorted(official.table.images)
    rows = [found.labels.images.index(name) for name in official.table.images]
    assert found.labels.select(rows) == official.table


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
    assert "For the record" not in out  # the release has a val split


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
    assert tuple(ours.source.paths) == tuple(theirs.source.paths)


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


@pytest.mark.parametrize("name", [name for name in NAMES if name != "coco"])
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
        (["arff", "--unlisted", "absent"], "--unlisted is for coco and folder and csv, n"),
        (["folder", "--coding", "complete"], "--coding is for csv"),
        (["nuswide"], "Say --version official or --version spml"),
        (["nuswide", "--version", "new"], "got 'new'"),
        (["voc2012", "--bad-images", "ignore"], "must be error or skip, got 'ignore'"),
        (["csv", "--coding", "spml"], "no such file"),
        (["voc2012", "--workers", "0"], "--workers"),
        (["nuswide", "--version", "official"], "Fetch ImageList.zip, ConceptsList.zip, Ground"),
        (["openimages-v3"], "curl -C - -O https://storage.googleapis.com/openimages/2017_11/"),
        (["cub"], "CUB_200_2011.tgz    # 1.2 GB"),
        (["coco"], "coco takes --annotations FILE and --images FOLDER, and no ROOT"),
        (["cub", "--annotations", "x.json"], "--annotations is for coco, not for cub"),
        (["cub", "--images", "x"], "--images is for coco and csv, not for cub"),
        (["csv", "--images", "x", "--images", "y"], "csv takes one --images FOLDER, got 2"),
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
