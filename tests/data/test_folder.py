import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from largeloss.data import FeatureArray, published_split, read_folder
from largeloss.data.folder.read import read_features, without_broken_images, write_features
from largeloss.data.split import split_folder
from largeloss.errors import DataError, LabelError
from largeloss.labels import LabelTable


def test_a_folder_of_images(image_folder):
    data = read_folder(image_folder, image_size=16)
    assert data.source.sample_shape == (3, 16, 16)
    assert {name: len(rows) for name, rows in data.splits.items()} == {
        "train": 18, "val": 6, "test": 6,
    }  # fmt: skip
    assert not data.notes


RARE = {"common": range(0, 40, 2), "rare": (3, 11, 27), "rarer": (8, 19, 30)}


def test_finding_08_without_any_split_every_class_keeps_its_share(make_image_folder, tmp_path):
    lines = [
        f"images/{row:02d}.png," + ",".join(str(int(row in own)) for own in RARE.values())
        for row in range(40)
    ]
    root = make_image_folder(labels="\n".join([f"image,{','.join(RARE)}", *lines]) + "\n", num=40)
    data = read_folder(root)
    everything = np.concatenate(list(data.splits.values()))
    assert sorted(everything) == list(range(40))
    for split in ("train", "test"):
        assert (data.labels.select(data.rows(split)).counts().present > 0).all()
    (note,) = data.notes
    assert "No split was given" in note
    # the same as the command that the note names, and whatever classes are chosen
    shares = note.partition("--shares ")[2].split()[0]
    wanted = {
        name: float(share) for name, _, share in (s.partition("=") for s in shares.split(","))
    }
    written, *_ = split_folder(root, wanted, 1200, None)
    chosen = read_folder(root, classes=["rarer"])
    for other in (written, chosen):
        assert {k: v.tolist() for k, v in other.splits.items()} == {
            k: v.tolist() for k, v in data.splits.items()
        }


@pytest.mark.parametrize(
    ("given", "drawn"),
    [({"train"}, published_split(30)[1][:3]), ({"train", "test"}, None)],
)
def test_finding_08_other_splits_keep_the_published_rule(make_image_folder, given, drawn):
    splits = ["train"] * 30
    if "test" in given:
        splits[::5] = ["test"] * 6
    lines = [f"images/{row:02d}.png,{split},{row % 2}\n" for row, split in enumerate(splits)]
    data = read_folder(make_image_folder(labels="image,split,red\n" + "".join(lines)))
    assert "published rule" in data.notes[-1]
    if drawn is not None:
        assert data.splits["test"][:3].tolist() == drawn.tolist()
    else:
        given_train = np.array([row for row in range(30) if row % 5])
        assert data.splits["val"].tolist() == given_train[published_split(24)[1]].tolist()


def test_finding_08_too_few_images_for_a_split(make_image_folder):
    root = make_image_folder(labels="image,red\nimages/00.png,1\nimages/01.png,0\n")
    with pytest.raises(
        DataError, match=r"No split was given, and none can be drawn from 2(.|\n)*split"
    ):
        read_folder(root)


def test_observing_hides_train_and_val_but_not_test(image_folder):
    data = read_folder(image_folder)
    known = data.observed("single-positive")
    for split in ("train", "val"):
        labels = known.labels.lookup(known.rows(split))
        assert (labels != 0).all()
        assert ((labels == 1).sum(axis=1) <= 1).all()
    test = data.rows("test")
    np.testing.assert_array_equal(known.labels.lookup(test), data.labels.lookup(test))


def test_broken_images_are_refused_or_left_out(image_folder):
    (image_folder / "images/03.png").write_bytes(b"")
    data = read_folder(image_folder)
    with pytest.raises(DataError, match=r"1 of 30 images cannot be read(.|\n)*03\.png"):
        without_broken_images(data, "error")
    (image_folder / "images/05.png").unlink()
    kept = without_broken_images(data, "skip")
    assert sum(len(rows) for rows in kept.splits.values()) == 28
    assert 3 not in np.concatenate(list(kept.splits.values()))
    assert "2 of 30 images cannot be read and are left out" in kept.notes[-1]


def test_finding_22_missing_images_are_refused_before_any_is_decoded(image_folder, monkeypatch):
    def decode(*_):
        raise AssertionError("an image was decoded")

    monkeypatch.setattr("largeloss.data.inputs.image_files.open_pixels", decode)
    for name in ("03", "29"):
        (image_folder / f"images/{name}.png").unlink()
    data = read_folder(image_folder)
    with pytest.raises(DataError, match=r"2 of 30 images are missing:(.|\n)*03\.png(.|\n)*29\.png"):
        without_broken_images(data, "error")
    monkeypatch.undo()
    assert "2 of 30 images cannot be read and" in without_broken_images(data, "skip").notes[-1]


@pytest.mark.parametrize("name", ["../outside.png", "link.png"])
def test_images_outside_the_folder_are_refused(make_image_folder, name):
    root = make_image_folder(labels=f"image,red\n{name},1\nimages/00.png,1\n")
    (root.parent / "outside.png").write_bytes((root / "images/01.png").read_bytes())
    (root / "link.png").symlink_to(root.parent / "outside.png")
    with pytest.raises(DataError, match="outside"):
        read_folder(root)


def test_links_are_followed_when_asked(make_image_folder):
    root = make_image_folder(
        labels="image,split,red\nlink.png,train,1\nimages/00.png,val,1\nimages/01.png,train,0\n"
    )
    (root.parent / "outside.png").write_bytes((root / "images/01.png").read_bytes())
    (root / "link.png").symlink_to(root.parent / "outside.png")
    assert len(read_folder(root, follow_symlinks=True).source) == 3


def test_folders_that_are_no_data(tmp_path, image_folder):
    with pytest.raises(DataError, match="does not exist"):
        read_folder(tmp_path / "none")
    with pytest.raises(DataError, match=r"no labels\.csv"):
        read_folder(image_folder / "images")
    with pytest.raises(LabelError, match=r"(?i)did you mean 'red'"):
        read_folder(image_folder, classes=["rod"])


def test_features_in_place_of_images(tmp_path):
    (tmp_path / "labels.csv").write_text(
        "image,split,a,b\nx,train,1,\ny,train,,1\nz,val,1,0\nw,test,0,1\n"
    )
    values = torch.arange(8.0).view(4, 2)
    write_features(tmp_path / "features.safetensors", values.flip(0), ["w", "z", "y", "x"])
    data = read_folder(tmp_path)
    assert isinstance(data.source, FeatureArray)
    assert torch.equal(data.source.read([0, 3], [False, False]), values[[0, 3]])


def test_features_that_do_not_fit(tmp_path):
    table = LabelTable.from_dense([[1], [0]], images=["x", "y"])
    path = tmp_path / "features.safetensors"
    path.write_bytes(b"nonsense")
    with pytest.raises(DataError, match="no features can be read"):
        read_features(path, table)
    save_file({"features": torch.zeros(3, 2)}, path)
    with pytest.raises(DataError, match="3 rows, the label file 2 images"):
        read_features(path, table)
    save_file({"features": torch.full((2, 2), torch.nan)}, path)
    with pytest.raises(DataError, match="NaN"):
        read_features(path, table)
    save_file({"features": torch.zeros(2, 2)}, path, metadata={"images": json.dumps(["x", "q"])})
    with pytest.raises(DataError, match="lacks features of 1 labelled images"):
        read_features(path, table)
