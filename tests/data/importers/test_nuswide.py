from pathlib import Path

import numpy as np
import pytest
from trees_nuswide import CONCEPTS, EXAMPLE, write_nuswide, write_nuswide_spml

from largeloss.data.importers import nuswide
from largeloss.errors import ConfigError, DataError


def test_finding_11_no_published_table_compares_with_the_official_version(tmp_path: Path) -> None:
    found = nuswide.read(write_nuswide(tmp_path), "official")
    kept = [name for split in EXAMPLE.values() for name, present in split.items() if present]
    assert list(found.table.images) == kept
    assert found.table.classes == CONCEPTS
    assert found.table.is_complete
    truth = EXAMPLE["train"] | EXAMPLE["test"]  # type: ignore[operator]
    for name, row in zip(kept, found.table.to_dense(), strict=True):
        assert np.flatnonzero(row).tolist() == list(truth[name])
    assert {split: rows.tolist() for split, rows in found.splits.items()} == {
        "train": [0, 1, 2], "test": [3, 4],
    }  # fmt: skip
    assert found.image_root == tmp_path / "Flickr"
    assert all((found.image_root / name).is_file() for name in kept)
    assert found.published == {"classes": 81}
    assert found.notes == (
        "Version official: the lists have 4 and 3 rows for train and test (as released: 161789 and "
        "107859). No published table compares with them: name the version in every result.",
        "1 of 4 images of the train list have no label and are left out.",
        "1 of 3 images of the test list have no label and are left out.",
    )


def test_concepts_may_lie_at_the_top(tmp_path: Path) -> None:
    write_nuswide(tmp_path, with_images=False)
    (tmp_path / "ConceptsList/Concepts81.txt").rename(tmp_path / "Concepts81.txt")
    assert nuswide.read(tmp_path, "official").table.classes == CONCEPTS


def test_the_arrays_of_cole_et_al(tmp_path: Path) -> None:
    found = nuswide.read(write_nuswide_spml(tmp_path), "spml")
    assert list(found.table.images) == [*EXAMPLE["train"], *EXAMPLE["test"]]
    assert found.table.classes == ("0", "1", "2", "3")
    everything = [*EXAMPLE["train"].values(), *EXAMPLE["test"].values()]
    for present, row in zip(everything, found.table.to_dense(), strict=True):
        assert np.flatnonzero(row).tolist() == list(present)
    assert found.splits["test"].tolist() == [4, 5, 6]
    assert found.image_root is not None
    assert (found.image_root / found.table.images[0]).is_file()
    assert found.published == {"train": 126034, "test": 84226, "classes": 81}
    assert "they are called by their column" in found.notes[0]
    (tmp_path / "Concepts81.txt").write_text("\n".join(CONCEPTS))
    found = nuswide.read(tmp_path, "spml")
    assert found.table.classes == CONCEPTS
    assert "in the order of Concepts81.txt" in found.notes[0]


def test_published_sizes_need_no_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(nuswide.PUBLISHED, "spml", {"train": 4, "test": 3, "classes": 4})
    found = nuswide.read(write_nuswide_spml(tmp_path, with_images=False), "spml")
    assert len(found.notes) == 1


def test_another_version(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="official or --version spml; got 'lite'"):
        nuswide.read(tmp_path, "lite")


LIST = "ImageList/TrainImagelist.txt"
LABELS = "Groundtruth/TrainTestLabels/Labels_beach_Train.txt"


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (LIST, "actor\\0002", "..\\0002", "line 2: the file name '../0002_174174086.jpg'"),
        (LIST, "actor\\0002", "\\0002", "line 2: the file name '/0002_174174086.jpg'"),
        (LIST, "actor\\0002", "C:\\0002", "line 2: the file name 'C:/0002_174174086.jpg'"),
        (LIST, "0002_174174086", "0001_2124494179",
         "line 2: 'actor/0001_2124494179.jpg' stands in line 1 already"),
        (LIST, "actor\\0001_2124494179", "zoos\\0006_20",
         "1 images are both in train and in test, for example 'zoos/0006_20.jpg'"),
        (LABELS, "0\n0\n0\n1\n", "0\n0\n1\n", "has 3 lines of 1 numbers, but"),
        (LABELS, "0\n0\n0\n1\n", "0\n0\n0\n2\n", "the label in row 3, column 0 is 2. Needed"),
        (LABELS, "0\n0\n0\n1\n", "0\n-1\n0\n1\n", "the label in row 1, column 0 is -1. Needed"),
        (LABELS, "0\n0\n0\n1\n", "0\n0 1\n0\n1\n", "needed are whole numbers between"),
        ("ConceptsList/Concepts81.txt", "beach", "animal", "'animal' stands in line 2 already"),
        ("ConceptsList/Concepts81.txt", "beach", "../beach", "file name '../beach'"),
        ("ConceptsList/Concepts81.txt", "beach", "..", "the file name '..' leads out"),
        ("ConceptsList/Concepts81.txt", "beach", "sea", "1 of 5 files of NUS-WIDE are missing: "),
    ],
)  # fmt: skip
def test_files_that_are_refused(
    tmp_path: Path, name: str, old: str, new: str, message: str
) -> None:
    path = write_nuswide(tmp_path, with_images=False) / name
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes(text.replace(old, new).encode())
    with pytest.raises(DataError) as caught:
        nuswide.read(tmp_path, "official")
    assert message in str(caught.value)


def test_counts_that_differ_are_both_named(tmp_path: Path) -> None:
    write_nuswide(tmp_path, with_images=False)
    (tmp_path / LABELS).write_text("1\n")
    with pytest.raises(
        DataError, match=r"beach_Train\.txt has 1 lines of 1 numbers, but .* lists 4 ima"
    ):
        nuswide.read(tmp_path, "official")


def test_files_that_are_missing_or_empty(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no ConceptsList/Concepts81\.txt"):
        nuswide.read(tmp_path, "official")
    write_nuswide(tmp_path, with_images=False)
    for name in ("ConceptsList/Concepts81.txt", LIST):
        kept = (tmp_path / name).read_bytes()
        (tmp_path / name).write_text("\n")
        with pytest.raises(DataError, match="the list is empty"):
            nuswide.read(tmp_path, "official")
        (tmp_path / name).write_bytes(b"\xff")
        with pytest.raises(DataError, match="cannot be read"):
            nuswide.read(tmp_path, "official")
        (tmp_path / name).write_bytes(kept)
    for name in CONCEPTS:
        path = tmp_path / f"Groundtruth/TrainTestLabels/Labels_{name}_Test.txt"
        path.write_text("0\n0\n0\n")
    with pytest.raises(DataError, match="No image of the test list has any label"):
        nuswide.read(tmp_path, "official")


@pytest.mark.parametrize(
    ("kind", "array", "message"),
    [
        ("images", np.zeros(4), "needed is a list of file names, got an array of float64"),
        ("images", np.array(["a.jpg"]), "names 1 images, but"),
        ("images", np.array(["a", "../b", "c", "d"]), "line 2: the file name '../b'"),
        ("images", np.array(["a", None], dtype=object), "no readable NumPy array"),
        ("labels", np.zeros(4), r"needed are numbers of shape \(images, classes\)"),
        ("labels", np.full((4, 4), -1), r"row 0, column 0 is -1\. Needed.*without '_obs'"),
        ("labels", np.full((4, 4), np.nan), "row 0, column 0 is nan"),
        ("labels", np.ones((4, 5)), "train has 5 classes, test 4"),
    ],
)
def test_arrays_that_are_refused(
    tmp_path: Path, kind: str, array: np.ndarray, message: str
) -> None:
    write_nuswide_spml(tmp_path, with_images=False)
    np.save(tmp_path / f"formatted_train_{kind}.npy", array, allow_pickle=True)
    with pytest.raises(DataError, match=message):
        nuswide.read(tmp_path, "spml")


def test_files_that_are_no_arrays(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"formatted_train_images\.npy: there is no such file"):
        nuswide.read(tmp_path, "spml")
    write_nuswide_spml(tmp_path, with_images=False)
    path = tmp_path / "formatted_val_labels.npy"
    for content in (b"", b"nonsense", path.read_bytes()[:-5], path.read_bytes()[:20]):
        path.write_bytes(content)
        with pytest.raises(DataError, match="no readable NumPy array"):
            nuswide.read(tmp_path, "spml")
    with path.open("wb") as file:
        np.savez(file, np.zeros(2))
    with pytest.raises(DataError, match=r"it is an \.npz archive"):
        nuswide.read(tmp_path, "spml")
    write_nuswide_spml(tmp_path, with_images=False)
    (tmp_path / "Concepts81.txt").write_text("airport\n")
    with pytest.raises(DataError, match=r"4 columns, but Concepts81\.txt has 1 concepts"):
        nuswide.read(tmp_path, "spml")
