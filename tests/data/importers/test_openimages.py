import csv
import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trees_openimages import EXAMPLE, FOLDERS, OTHER, TRAINABLE, write_openimages

from largeloss.data.importers import openimages, openimages_csv
from largeloss.data.importers.imported import Imported
from largeloss.data.importers.openimages_csv import ImageList, format_id, parse_ids
from largeloss.errors import ConfigError, DataError


def by_name(found: Imported) -> dict[tuple[str, str], int]:
    """(image, class) → state, of the observed entries."""
    table = found.table
    return {
        (table.images[row], table.classes[column]): int(state)
        for row, column, state in zip(*table.entries(), strict=True)
    }


@pytest.mark.parametrize("inside", [False, True])
def test_a_small_tree(tmp_path: Path, inside: bool) -> None:
    folder = write_openimages(tmp_path)
    found = openimages.read(folder if inside else tmp_path)
    assert found.table.classes == TRAINABLE
    assert found.table.images == (
        "train/000026e7ee790996.jpg",
        "train/000002b66c9c498e.jpg",
        "train/000002b97e5471a0.jpg",
        "train/ffffffffffffffff.jpg",
        "validation/0000c64e1253d68f.jpg",
        "validation/000062a39995e348.jpg",
        "test/0123456789abcdef.jpg",
    )
    expected = {
        (f"{FOLDERS[split]}/{image}.jpg", name): int(value)
        for split, answers in EXAMPLE.items()
        for image, given in answers.items()
        for name, value in given.items()
        if name in TRAINABLE
    }
    assert by_name(found) == expected
    assert {split: rows.tolist() for split, rows in found.splits.items()} == {
        "train": [0, 1, 2, 3], "val": [4, 5], "test": [6],
    }  # fmt: skip
    assert found.image_root is not None
    assert all((found.image_root / name).is_file() for name in found.table.images)
    assert found.published == {"val": 41620, "test": 125436, "classes": 5000}
    assert found.notes == (
        "1 of 12 annotations are of classes that are not trainable and are ignored.",
        "1 of 5 training images have no label of these classes and are left out.",
    )


def test_images_may_lie_beside_the_release(tmp_path: Path) -> None:
    write_openimages(tmp_path, with_images=False)
    (tmp_path / "train").mkdir()
    assert openimages.read(tmp_path).image_root == tmp_path


def test_what_is_neither_present_nor_absent_is_unobserved(tmp_path: Path) -> None:
    folder = write_openimages(tmp_path, with_images=False)
    with (folder / "train/annotations-human.csv").open("a") as file:
        file.write("ffffffffffffffff,verification,/m/0284d,0.7\n")
        file.write("ffffffffffffffff,verification,/m/04hgtk,\n")
        file.write("ffffffffffffffff,verification,/m/052lwg6,1.0\n")  # present
        file.write("000002b66c9c498e,crowdsource-verification,/m/01g317,1\n")  # it is 0 above
        file.write("000002b66c9c498e,crowdsource-verification,/m/052lwg6,1\n")  # once more
    found = openimages.read(tmp_path)
    states = by_name(found)
    assert ("train/ffffffffffffffff.jpg", "/m/0284d") not in states
    assert ("train/ffffffffffffffff.jpg", "/m/04hgtk") not in states
    assert states["train/ffffffffffffffff.jpg", "/m/052lwg6"] == 1
    assert ("train/000002b66c9c498e.jpg", "/m/01g317") not in states
    assert states["train/000002b66c9c498e.jpg", "/m/052lwg6"] == 1
    assert "2 annotations have a confidence that is neither 0 nor 1" in found.notes[1]
    assert "1 labels are given both as present and as absent" in found.notes[2]


IDS = st.integers(0, 2**64 - 1)


@given(
    st.lists(IDS, min_size=1, max_size=12, unique=True),
    st.lists(
        st.tuples(st.integers(0, 11), st.sampled_from([*TRAINABLE, *OTHER]), st.booleans()),
        max_size=40,
    ),
    st.sampled_from([60, 1 << 20]),
)
def test_any_annotations_against_a_plain_loop(tmp_path_factory, ids, lines, block):
    folder = write_openimages(tmp_path_factory.mktemp("tree"), {}, with_images=False)
    for name in ("validation", "test"):
        (folder / name / "images.csv").write_text(f"ImageID\n{0 if name == 'test' else 1:016x}\n")
    ids = [number for number in ids if number > 1] or [7]
    (folder / "train/images.csv").write_text(
        "ImageID,Title\n" + "".join(f'{number:016x},"a, b"\n' for number in ids)
    )
    lines = [(ids[place % len(ids)], name, int(state)) for place, name, state in lines]
    (folder / "train/annotations-human.csv").write_text(
        "ImageID,Source,LabelName,Confidence\n"
        + "".join(f"{number:016x},verification,{name},{s}\n" for number, name, s in lines)
    )
    said: dict[tuple[str, str], set[int]] = {}
    for number, name, state in lines:
        if name in TRAINABLE:
            said.setdefault((f"train/{number:016x}.jpg", name), set()).add(state)
    expected = {key: min(states) for key, states in said.items() if len(states) == 1}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(openimages_csv, "BLOCK", block)
        if not expected:
            with pytest.raises(DataError, match="not one training image"):
                openimages.read(folder)
            return
        found = openimages.read(folder)
    assert by_name(found) == expected
    kept = [f"train/{n:016x}.jpg" for n in ids if any(f"{n:016x}" in key[0] for key in expected)]
    assert list(found.table.images[: len(found.splits["train"])]) == kept


@given(st.lists(IDS | st.text(max_size=17), max_size=9), st.integers(0, 3))
def test_ids_as_numbers(values: list[int | str], start: int) -> None:
    texts = [value if isinstance(value, str) else f"{value:016x}" for value in values]
    column = pa.array(texts, pa.string())[start:]
    numbers, valid = parse_ids(column)
    for text, number, is_valid in zip(texts[start:], numbers.tolist(), valid, strict=True):
        assert is_valid == (len(text) == 16 and set(text) <= set("0123456789abcdef"))
        assert not is_valid or format_id(number) == text


def test_rows_of_images(tmp_path: Path) -> None:
    path = tmp_path / "images.csv"
    path.write_text("Title,ImageID\nx,00000000000000ff\ny,0000000000000001\n")
    images = ImageList.read(path)
    wanted = np.array([1, 255, 2, 2**64 - 1, 0], dtype=np.uint64)
    assert images.rows_of(wanted).tolist() == [1, 0, -1, -1, -1]


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("train/annotations-human.csv", "ImageID,S", "Image,S", "Needed in the header: ImageID,"),
        ("train/annotations-human.csv", ",/m/01g317,1", ",/m/01g317", "no readable CSV file"),
        ("train/annotations-human.csv", "/m/01g317,0", "/m/none,0",
         "line 5: the class '/m/none' is neither in classes-trainable.txt nor in class-descr"),
        ("train/annotations-human.csv", "/m/01g317,0", "/m/01g317,no",
         "line 5: the confidence 'no' is no number"),
        ("train/annotations-human.csv", "000002b66c9c498e,", "000002b66c9c4980,",
         "line 5: images that are not in images.csv are annotated: '000002b66c9c4980'. Unpack"),
        ("train/annotations-human.csv", "000002b66c9c498e,", "../,", "are annotated: '../'"),
        ("train/annotations-human.csv", "000026e7", "\n\n000026ff",
         "line 4: images that are not in images.csv are annotated: '000026ffee790996'"),
        ("train/images.csv", "000026e7ee790996", "../../etc/passwd",
         "entry 1 after the header: the ImageID '../../etc/passwd' is not 16 hexadecimal digits"),
        ("train/images.csv", "000002b66c9c498e", "000026e7ee790996",
         "1 images are listed twice, for example '000026e7ee790996'"),
        ("test/images.csv", "0123456789abcdef", "000026e7ee790996",
         "1 images are both in train/images.csv and in test/images.csv, for example '000026e7ee"),
        ("classes-trainable.txt", "/m/0284d", "/m/01g317",
         "line 2: '/m/01g317' stands in line 1 already"),
        ("class-descriptions.csv", '"Thing, 1"', "Thing, 1", "line 2: needed is 'id,description'"),
        ("class-descriptions.csv", '"Thing, 1"', '"Thing', "line 3: this is no CSV"),
        ("class-descriptions.csv", "/m/0284d", "/m/01g317", "line 2: '/m/01g317' is described tw"),
    ],
)  # fmt: skip
def test_files_that_are_refused(
    tmp_path: Path, name: str, old: str, new: str, message: str
) -> None:
    path = write_openimages(tmp_path, with_images=False) / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(DataError) as caught:
        openimages.read(tmp_path)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train/images.csv", b"", "no readable CSV file"),
        ("train/images.csv", b"ImageID\n", "there is no image after the header"),
        ("train/annotations-human.csv", b"ImageID,LabelName,Confidence\n\xff,a,1\n", "readable"),
        ("classes-trainable.txt", b"\n", "the list is empty"),
        ("classes-trainable.txt", b"\xff", "cannot be read"),
    ],
)
def test_contents_that_are_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = write_openimages(tmp_path, with_images=False) / name
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        openimages.read(tmp_path)
    assert message in str(caught.value)
    assert name in str(caught.value)


def test_no_annotation_at_all(tmp_path: Path) -> None:
    folder = write_openimages(tmp_path, with_images=False)
    (folder / "train/annotations-human.csv").write_text("ImageID,Source,LabelName,Confidence\n")
    with pytest.raises(DataError, match="not one training image has a label of these classes"):
        openimages.read(tmp_path)


def test_missing_files_are_named_with_their_archives(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"lacks 8 of the 8 files"):
        openimages.read(tmp_path)
    folder = write_openimages(tmp_path, with_images=False)
    (folder / "validation/images.csv").unlink()
    (folder / "class-descriptions.csv").unlink()
    with pytest.raises(DataError) as caught:
        openimages.read(tmp_path)
    text = str(caught.value)
    assert "lacks 2 of the 8 files of OpenImages V3: validation/images.csv, class-desc" in text
    assert "openimages/2017_11/classes_2017_11.tar.gz    # 295 KB" in text
    assert "curl -C - -O https://storage.googleapis.com/openimages/2017_11/images_2017" in text
    assert "annotations_human" not in text


def test_groups_go_from_rare_to_frequent() -> None:
    counts = np.array([50, 3, 3, 1000, 0, 7, 7], dtype=np.int64)
    # ascending, ties by class: 4 | 1 2 | 5 6 | 0 3
    assert openimages.groups(counts, 3).tolist() == [2, 0, 0, 2, 0, 1, 1]
    assert openimages.groups(np.arange(5000)[::-1]).tolist() == [
        4 - number // 1000 for number in range(5000)
    ]
    for num_groups in (0, 8):
        with pytest.raises(ConfigError, match=f"{num_groups} groups of 7 classes"):
            openimages.groups(counts, num_groups)


def test_the_real_lists_of_classes(real_data: Path, tmp_path: Path) -> None:
    folder = write_openimages(tmp_path, {}, with_images=False)
    lists = {}
    for name in ("classes-trainable.txt", "class-descriptions.csv"):
        packed = (real_data / f"labels/openimages-v3-{name}.gz").read_bytes()
        (folder / name).write_bytes(gzip.decompress(packed))
        lists[name] = (folder / name).read_text(encoding="utf-8").splitlines()
    trainable = lists["classes-trainable.txt"]
    for number, subset in enumerate(FOLDERS.values()):
        (folder / subset / "images.csv").write_text(f"ImageID\n{number:016x}\n")
        (folder / subset / "annotations-human.csv").write_text(
            "ImageID,Source,LabelName,Confidence\n"
            f"{number:016x},verification,{trainable[4999 - number]},1\n"
        )
    found = openimages.read(tmp_path)
    assert found.table.classes == tuple(trainable)
    assert found.table.entries().columns.tolist() == [4999, 4998, 4997]
    described = dict(csv.reader(lists["class-descriptions.csv"]))
    assert len(described) == 19995
    assert set(trainable) <= set(described)
