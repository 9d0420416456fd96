"""MS COCO: what is read of a tree, and what is refused."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trees_coco import (
    CATEGORIES,
    CLASSES,
    IDS,
    Drawn,
    Instance,
    make_content,
    make_images,
    write_coco,
    write_json,
)

from largeloss.data.importers import coco
from largeloss.data.importers.imported import Imported
from largeloss.errors import ConfigError, DataError

DOG = [Instance("dog")]


def one_file(path: Path, splits: list[Any], **image: Any) -> Path:
    """An image with a dog for each of ``splits``; no cat is in the first one."""
    images: list[dict[str, Any]] = [
        {"id": row, "file_name": f"{row}.jpg"} | ({} if split is None else {"split": split})
        for row, split in enumerate(splits)
    ]
    images[0] |= {"neg_category_ids": [2]} | image
    content = {
        "images": images,
        "categories": [{"id": 1, "name": "dog"}, {"id": 2, "name": "cat"}],
        "annotations": [{"image_id": row, "category_id": 1} for row in range(len(splits))],
    }
    path.write_text(json.dumps(content))
    return path


def test_one_file_may_name_the_split_of_each_image(tmp_path: Path) -> None:
    path, images = tmp_path / "labels.json", [str(tmp_path)]
    one_file(path, ["test", "train", "val", "train"])
    words = "train=unknown,val=absent,test=unknown"
    found = coco.read_files([str(path)], images, words)
    assert found.table.images == ("1.jpg", "3.jpg", "2.jpg", "0.jpg")
    assert found.table.to_dense().tolist() == [[1, -1], [1, -1], [1, 0], [1, 0]]
    assert {name: rows.tolist() for name, rows in found.splits.items()} == {
        "train": [0, 1], "val": [2], "test": [3],
    }  # fmt: skip
    one_file(path, ["train", None, "val"])
    with pytest.raises(DataError, match=r"2 of 3 images name a split .* of '1\.jpg' is None"):
        coco.read_files([str(path)], images, "absent")
    named = coco.read_files([f"test={path}"], images, "absent")
    assert list(named.splits) == ["test"]
    one_file(path, ["training"])
    found = coco.read_files([str(path)], images, "absent")
    assert list(found.splits) == ["train"]
    assert "The 'split' of the images, such as 'training', is not read" in found.notes[0]


def test_a_byte_order_mark_and_names_from_here(tmp_path: Path) -> None:
    path = one_file(tmp_path / "labels.json", [None], file_name="./a/Shot 4\u202fPM.png")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    found = coco.read_files([str(path)], [str(tmp_path)], "absent")
    assert found.table.images == ("a/Shot 4\u202fPM.png",)


def test_annotated_and_absent_is_refused(tmp_path: Path) -> None:
    path = one_file(tmp_path / "labels.json", [None], neg_category_ids=[2, 1])
    with pytest.raises(DataError, match=r"'0\.jpg' has an annotation of 'dog', which its neg_"):
        coco.read_files([str(path)], [str(tmp_path)], "absent")


def positives(found: Imported) -> dict[str, set[str]]:
    """The present classes of each image, by a plain loop over the table."""
    return {
        name: {found.table.classes[c] for c, state in enumerate(row) if state == 1}
        for name, row in zip(found.table.images, found.table.to_dense().tolist(), strict=True)
    }


def expected(content: dict[str, Any], folder: str) -> dict[str, set[str]]:
    """The protocol, by a plain loop over the json of a split."""
    names = {category["id"]: category["name"] for category in content["categories"]}
    present: dict[str, set[str]] = {}
    for image in sorted(content["images"], key=lambda image: str(image["id"])):
        labels = set()
        for one in content["annotations"]:
            if one["image_id"] == image["id"]:
                labels.add(names[one["category_id"]])
        if labels:
            present[f"{folder}/{image['file_name']}"] = labels
    return present


@pytest.mark.parametrize(
    ("year", "first", "sizes"),
    [
        (2014, "train2014/COCO_train2014_000000000001.jpg", {"train": 82081, "test": 40137}),
        (2017, "train2017/000000000001.jpg", {"train": 117266, "test": 4952}),
    ],
)
def test_a_tree_is_read(tmp_path: Path, year: int, first: str, sizes: dict[str, int]) -> None:
    write_coco(tmp_path, year)
    found = coco.read(tmp_path, year)
    train = expected(make_content(year, "train", make_images(1, 20)), f"train{year}")
    test = expected(make_content(year, "val", make_images(101, 10)), f"val{year}")
    assert found.name == f"coco{year}"
    assert positives(found) == train | test
    assert list(found.table.images) == [*train, *test]
    assert found.table.images[0] == first
    assert list(found.table.classes) == CLASSES
    assert len(CLASSES) == 80
    assert found.table.is_complete
    assert found.splits["train"].tolist() == list(range(20))
    assert found.splits["test"].tolist() == list(range(20, 30))
    assert found.image_root == tmp_path
    assert all((found.image_root / name).is_file() for name in found.table.images)
    assert found.published == {**sizes, "classes": 80}
    assert found.notes == ()


def test_images_come_by_the_string_of_their_id(tmp_path: Path) -> None:
    write_coco(tmp_path, 2017, dict.fromkeys((9, 10, 100, 11, 2), DOG), {3: DOG})
    found = coco.read(tmp_path, 2017)
    ids = [int(Path(name).stem) for name in found.table.images]
    assert ids == [10, 100, 11, 2, 9, 3]


def test_crowds_count_and_images_without_instances_do_not(tmp_path: Path) -> None:
    train = {1: [], 2: [Instance("person", (1, 2, 3.5, 4), crowd=True)], 3: DOG * 2, 4: []}
    write_coco(tmp_path, 2017, train, {5: DOG, 6: []})
    found = coco.read(tmp_path, 2017)
    assert list(positives(found).values()) == [{"person"}, {"dog"}, {"dog"}]
    assert found.boxes is not None
    assert found.boxes.rows.tolist() == [0, 1, 1, 2]
    assert [CLASSES[column] for column in found.boxes.columns] == ["person", "dog", "dog", "dog"]
    assert found.boxes.corners[:2].tolist() == [[1, 2, 4.5, 6], [2, 1, 10, 8]]
    assert found.boxes.difficult.tolist() == [True, False, False, False]
    assert found.notes == (
        "2 of 4 images of instances_train2017.json have no instance and are left out.",
        "1 of 2 images of instances_val2017.json have no instance and are left out.",
    )


def test_boxes_without_area_make_labels_only(tmp_path: Path) -> None:
    flat = [Instance("cat", (1, 1, 0, 5)), Instance("cow", (-2, -1, 4, 3))]
    write_coco(tmp_path, 2017, {1: flat}, {2: DOG})
    found = coco.read(tmp_path, 2017)
    assert list(positives(found).values()) == [{"cat", "cow"}, {"dog"}]
    assert found.boxes is not None
    assert found.boxes.corners.tolist() == [[0, 0, 2, 2], [2, 1, 10, 8]]
    assert found.notes == (
        "1 of 2 annotations of train2017 have no box, or one without area: they make labels, but "
        "are left out of the boxes.",
    )


@settings(max_examples=20)
@given(
    st.dictionaries(
        st.integers(0, 3000),
        st.lists(
            st.builds(Instance, st.sampled_from(CLASSES), st.just((2, 1, 8, 7)), st.booleans()),
            max_size=4,
        ),
        max_size=8,
    ),
    st.randoms(),
)
def test_any_tree_is_read_as_the_plain_loop_does(
    tmp_path_factory: pytest.TempPathFactory, train: Drawn, random: Any
) -> None:
    root = tmp_path_factory.mktemp("coco")
    write_coco(root, 2014, {**train, 5000: DOG}, {6000: DOG})
    content = make_content(2014, "train", {**train, 5000: DOG})
    random.shuffle(content["images"])
    random.shuffle(content["annotations"])
    categories = list(CATEGORIES)
    random.shuffle(categories)
    content["categories"] = categories
    write_json(root, 2014, "train", content)
    found = coco.read(root, 2014)
    assert list(found.table.classes) == [category["name"] for category in categories]
    assert list(positives(found).items())[:-1] == list(expected(content, "train2014").items())


def test_images_may_lie_in_a_folder_images(tmp_path: Path) -> None:
    write_coco(tmp_path, 2014, images_in="images")
    found = coco.read(tmp_path, 2014)
    assert found.image_root == tmp_path / "images"
    assert (found.image_root / found.table.images[0]).is_file()


def test_other_years(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="for 2014 and 2017, got 2015"):
        coco.read(tmp_path, 2015)


def test_missing_files_are_named(tmp_path: Path) -> None:
    archive = r"annotations_trainval2014\.zip"
    with pytest.raises(
        DataError,
        match=rf"instances_train2014\.json and no .*instances_val2014\.json\. (?s:.*){archive}",
    ):
        coco.read(tmp_path, 2014)
    write_coco(tmp_path, 2014)
    (tmp_path / "annotations/instances_val2014.json").unlink()
    with pytest.raises(DataError, match=rf"no file \S*instances_val2014\.json\. (?s:.*){archive}"):
        coco.read(tmp_path, 2014)


def test_missing_images_are_told(tmp_path: Path) -> None:
    write_coco(tmp_path, 2014)
    (tmp_path / "val2014").rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=r"both folders of images(?s:.*)zips/val2014\.zip"):
        coco.read(tmp_path, 2014)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"the file is empty"),
        (b"version https://git-lfs.github.com/spec/v1\n", r"cut off, or not JSON \(.*43 bytes"),
        (b"{} {}", "not the structure of an annotation file of COCO"),
        (b"[]", "not the structure .*: Expected `object`, got `array`"),
        (b'{"images": [], "annotations": []}', "missing required field `categories`"),
        (b'{"info": ' + b"[" * 10**6, r"cut off, or not JSON"),
        (b'{"images": [{"id": 1, "file_name": "\xff"}]}', r"cut off, or not JSON"),
    ],
)
def test_files_that_are_no_instance_files(tmp_path: Path, content: bytes, message: str) -> None:
    write_coco(tmp_path, 2014)
    (tmp_path / "annotations/instances_train2014.json").write_bytes(content)
    with pytest.raises(DataError, match=rf"instances_train2014\.json: .*{message}"):
        coco.read(tmp_path, 2014)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.9, 0.999])
def test_a_file_that_is_cut_off(tmp_path: Path, share: float) -> None:
    write_coco(tmp_path, 2014)
    path = tmp_path / "annotations/instances_val2014.json"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataError, match=r"instances_val2014\.json: cut off, or not JSON \(Input"):
        coco.read(tmp_path, 2014)


def test_a_file_that_may_not_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_coco(tmp_path, 2014)

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match=r"cannot be read \(Permission denied\)"):
        coco.read(tmp_path, 2014)


Edit = Callable[[dict[str, Any]], Any]
EDITS: list[tuple[Edit, str]] = [
    (lambda c: c["images"][3].update(id="x"),
     r"Expected `int`, got `str` - at `\$\.images\[3\]\.id`"),
    (lambda c: c["images"][3].pop("file_name"),
     r"missing required field `file_name` - at `\$\.images\[3\]`"),
    (lambda c: c["annotations"][2].update(bbox=[1, 2, 3]),
     r"length 4 - at `\$\.annotations\[2\]\.bbox`"),
    (lambda c: c["annotations"][2].update(bbox=[1, 2, -3, 4]),
     r">= 0.* - at `\$\.annotations\[2\]\.bbox\[2\]`"),
    (lambda c: c["annotations"][2].update(bbox=[1e300, 2, 3, 4]),
     r"<= 1000000.* - at `\$\.annotations\[2\]\.bbox\[0\]`"),
    (lambda c: c["annotations"][2].update(iscrowd=2),
     r"Invalid enum value 2 - at `\$\.annotations\[2\]\.iscrowd`"),
    (lambda c: c["annotations"][2].update(image_id=2**70),
     r"- at `\$\.annotations\[2\]\.image_id`"),
    (lambda c: c["annotations"][2].update(image_id=777),
     r"\$\.annotations\[2\]\.image_id is 777, which is none of the 20 .*\(1 of \d+ annotations"),
    (lambda c: c["annotations"][2].update(category_id=12),
     r"\$\.annotations\[2\]\.category_id is 12, which is none of the 80"),
    (lambda c: c["images"][3].update(id=1), r": 1 occurs twice in \$\.images"),
    (lambda c: c["images"][3].update(file_name=c["images"][1]["file_name"]),
     r"'COCO_train2014_000000000002\.jpg' occurs twice in \$\.images"),
    (lambda c: c["images"][3].update(file_name="../../secret.jpg"),
     r"\$\.images\[3\]\.file_name: the file name '\.\./\.\./secret\.jpg' leads out"),
    (lambda c: c["images"][3].update(file_name="/etc/passwd"),
     r"\$\.images\[3\]\.file_name: the file name '/etc/passwd' leads out"),
    (lambda c: c["categories"].append({"id": 1, "name": "elk"}),
     r": 1 occurs twice in \$\.categories"),
    (lambda c: c["categories"].append({"id": 91, "name": "dog"}),
     r"'dog' occurs twice in \$\.categories"),
    (lambda c: c["categories"].append({"id": 91, "name": ""}),
     r"length >= 1 - at `\$\.categories\[80\]\.name`"),
    (lambda c: c["annotations"].clear(), r"has any instance; needed is one"),
    (lambda c: c["images"].clear(), r"which is none of the 0 that the file lists"),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "message"), EDITS)
def test_contents_that_are_refused(tmp_path: Path, edit: Edit, message: str) -> None:
    write_coco(tmp_path, 2014)
    content = json.loads(json.dumps(make_content(2014, "train", make_images(1, 20))))
    edit(content)
    write_json(tmp_path, 2014, "train", content)
    with pytest.raises(DataError, match=rf"(?s)instances_train2014\.json.*{message}"):
        coco.read(tmp_path, 2014)


def test_categories_of_train_and_val_must_agree(tmp_path: Path) -> None:
    write_coco(tmp_path, 2014)
    content = json.loads(json.dumps(make_content(2014, "val", make_images(101, 10))))
    content["categories"][17]["name"] = "hound"
    write_json(tmp_path, 2014, "val", content)
    with pytest.raises(
        DataError,
        match=r"train2014\.json and .*val2014\.json have different categories: 1 are in the first "
        r"only and 1 in the second only, for example 'horse', 'hound'\.",
    ):
        coco.read(tmp_path, 2014)


def test_train_and_val_must_not_share_images(tmp_path: Path) -> None:
    write_coco(tmp_path, 2017, {1: DOG, 2: DOG}, {2: DOG, 3: DOG})
    with pytest.raises(DataError, match=r"have 1 images in common, for example the id 2\."):
        coco.read(tmp_path, 2017)


def test_real_images(real_data: Path) -> None:
    """159 images of COCO 2017, against a plain loop over their json."""
    root = real_data / "coco-mini"
    found = coco.read(root, 2017)
    labels: dict[str, set[str]] = {}
    boxes: list[tuple[str, str, list[float], bool]] = []
    for split in ("train2017", "val2017"):
        content = json.loads((root / f"annotations/instances_{split}.json").read_text())
        assert content["categories"] == CATEGORIES
        labels |= expected(content, split)
        for image in sorted(content["images"], key=lambda image: str(image["id"])):
            for one in content["annotations"]:
                if one["image_id"] == image["id"]:
                    x, y, width, height = one["bbox"]
                    name = next(n for n, number in IDS.items() if number == one["category_id"])
                    corners = [x, y, x + width, y + height]
                    boxes.append(
                        (f"{split}/{image['file_name']}", name, corners, bool(one["iscrowd"]))
                    )
    assert positives(found) == labels
    assert list(found.table.images) == list(labels)
    assert {name: len(rows) for name, rows in found.splits.items()} == {"train": 80, "test": 79}
    assert found.image_root is not None
    assert all((found.image_root / name).is_file() for name in labels)
    assert found.boxes is not None
    assert [found.table.images[row] for row in found.boxes.rows] == [box[0] for box in boxes]
    assert [CLASSES[column] for column in found.boxes.columns] == [box[1] for box in boxes]
    np.testing.assert_allclose(found.boxes.corners, [box[2] for box in boxes], atol=1e-3)
    assert found.boxes.difficult.tolist() == [box[3] for box in boxes]
    assert found.boxes.difficult.sum() == 13


def test_published_labels_come_back(real_data: Path, tmp_path: Path) -> None:
    """The first rows of the published list, written as a tree and read again."""
    published: dict[int, list[str]] = {}
    with gzip.open(real_data / "labels/coco2014-train.txt.gz", "rt") as opened:
        for line, _ in zip(opened, range(400), strict=False):
            name, columns = line.strip().split(",")
            published[int(name[-16:-4])] = [CLASSES[int(c)] for c in columns.split()]
    images = {number: [Instance(n) for n in names] for number, names in published.items()}
    write_coco(tmp_path, 2014, images, {1: DOG})
    found = coco.read(tmp_path, 2014)
    names = {f"train2014/COCO_train2014_{number:012d}.jpg": number for number in published}
    read = positives(found)
    assert list(read)[:-1] == sorted(names, key=lambda name: str(names[name]))
    for name, number in names.items():
        assert read[name] == set(published[number])


def test_absences_of_lvis_are_read(tmp_path: Path) -> None:
    content = {
        "images": [
            {"id": 5, "file_name": "a.jpg", "neg_category_ids": [2]},
            {"id": 3, "file_name": "b.jpg"},
        ],
        "annotations": [{"image_id": 5, "category_id": 1}],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    }
    file = tmp_path / "labels.json"
    file.write_text(json.dumps(content))
    found = coco.read_files([str(file)], [str(tmp_path)], "unknown")
    assert found.table.images == ("a.jpg", "b.jpg")
    assert found.table.to_dense().tolist() == [[1, 0], [-1, -1]]
