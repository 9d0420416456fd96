"""Examples, activation maps and the pointing game, through the command line."""

import json

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from largeloss.data.folder.boxes import Boxes, read_boxes, write_boxes
from largeloss.data.folder.labels_and_splits import read_records
from largeloss.errors import RunError
from largeloss.pages.activation_maps import ActivationMaps
from largeloss.report.cam_figure import ActivationMapRow, write_cam_figure

SMALL = (
    "--backbone", "digits", "--image-size", "16", "--epochs", "3", "--batch-size", "8",
    "--lr", "1e-3", "--workers", "0", "--observe", "single-positive",
)  # fmt: skip


@pytest.fixture
def trained(largeloss, image_folder, tmp_path):
    def train(method, *more):
        out = tmp_path / method
        code, _, err = largeloss(
            "train", image_folder, *SMALL, "--method", method, *more, "--out", out
        )
        assert code == 0, err
        return out

    return train


def add_boxes(folder):
    """Red lies in the left half, blue in the right one (24 × 20 pixels)."""
    table = read_records(folder).table
    rows, columns = np.nonzero(table.to_dense() == 1)
    left = np.where(columns == table.classes.index("red"), 0, 12)
    corners = np.stack([left, left * 0, left + 12, left * 0 + 20], axis=1).astype(np.float32)
    boxes = Boxes(
        rows.astype(np.int64), columns.astype(np.int32), corners, np.zeros(len(rows), bool)
    )
    write_boxes(folder / "boxes.parquet", boxes, table)


def test_pointing_prints_the_table(largeloss, trained, image_folder):
    add_boxes(image_folder)
    runs = [trained("an"), trained("ll-r")]
    code, out, err = largeloss("analyze", "pointing", *runs, "--split", "all")
    assert code == 0, err
    assert "Always the centre" in out
    assert "83.7" in out
    truth = read_records(image_folder).table.to_dense()
    for run in runs:
        content = json.loads((run / "analysis/pointing.json").read_text())
        assert content["num_pairs"] == (truth == 1).sum()
        assert content["num_without_box"] == content["num_difficult"] == 0
        assert content["split"] == "all"
        assert content["centre_accuracy"] == pytest.approx(
            100
            * (truth[:, read_records(image_folder).table.classes.index("blue")] == 1).sum()
            / (truth == 1).sum()
        )


def test_pointing_on_other_data_takes_the_shared_classes(
    largeloss, trained, make_image_folder, tmp_path
):
    other = make_image_folder("elsewhere")
    text = (other / "labels.csv").read_text().replace("red,blue", "blue,green")
    (other / "labels.csv").write_text(text)
    table = read_records(other).table
    rows = np.flatnonzero(table.to_dense()[:, 0] == 1)
    corners = np.tile(np.array([0, 0, 24, 20], np.float32), (len(rows), 1))
    boxes = Boxes(rows, np.zeros(len(rows), np.int32), corners, np.zeros(len(rows), bool))
    write_boxes(other / "boxes.parquet", boxes, table)
    run = trained("an")
    code, out, err = largeloss("analyze", "pointing", run, "--data", other, "--split", "all")
    assert code == 0, err
    content = json.loads((run / "analysis/pointing.json").read_text())
    assert list(content["classes"]) == ["blue"]
    assert content["accuracy"] == 100
    assert content["unshared_classes"] == ["red"]
    assert "1 of the model's 2 classes by name; not red." in " ".join((out + err).split())
    (other / "labels.csv").write_text(text.replace("blue,green", "yellow,green"))
    code, _, err = largeloss("analyze", "pointing", run, "--data", other)
    assert code == 2
    assert "no class in common" in err


def test_what_is_left_out_is_said_of_every_run(largeloss, trained, image_folder):
    add_boxes(image_folder)
    table = read_records(image_folder).table
    boxes = read_boxes(image_folder / "boxes.parquet", table)
    red = boxes.columns == table.classes.index("red")
    write_boxes(image_folder / "boxes.parquet", boxes._replace(difficult=red), table)
    runs = [trained("an"), trained("ll-r")]
    code, out, err = largeloss("analyze", "pointing", *runs, "--split", "all")
    assert code == 0, err
    assert "macro: mean over 1 classes" in " ".join((out + err).split())
    for run, title in zip(runs, ("Naive AN", "LL-R"), strict=True):
        content = json.loads((run / "analysis/pointing.json").read_text())
        assert content["num_difficult"] == red.sum()
        cells = next(line.split() for line in out.splitlines() if line.startswith(title))
        assert str(red.sum()) in cells


def test_one_table_is_of_one_data_set(largeloss, trained, image_folder, make_image_folder):
    add_boxes(image_folder)
    other = make_image_folder("elsewhere")
    add_boxes(other)
    first = trained("an")
    second = first.parent / "second"
    code, _, err = largeloss("train", other, *SMALL, "--method", "an", "--out", second)
    assert code == 0, err
    code, _, err = largeloss("analyze", "pointing", first, second)
    assert code == 2
    assert "Name one folder for all with --data" in err
    code, _, err = largeloss("analyze", "pointing", first, second, "--data", other)
    assert code == 0, err


@pytest.mark.parametrize("tolerance", ["-1", "nan", "inf"])
def test_a_tolerance_that_is_none(largeloss, tmp_path, tolerance):
    code, _, err = largeloss("analyze", "pointing", tmp_path, "--tolerance", tolerance)
    assert code == 2
    assert "--tolerance" in err


def test_images_without_boxes(largeloss, trained):
    code, _, err = largeloss("analyze", "pointing", trained("an"))
    assert code == 2
    assert "boxes.parquet is missing" in err
    assert "largeloss data import" in err


def test_examples(largeloss, trained):
    run = trained("ll-cp", "--delta-rel", "10", "--record", "losses")
    code, out, err = largeloss("analyze", "examples", run, "--epochs", "1,2", "--number", "3")
    assert code == 0, err
    assert "Epoch 2" in out
    content = json.loads((run / "analysis/examples.json").read_text())
    assert 0 < len(content["examples"]) <= 3
    name = content["examples"][0]["image"]
    code, out, err = largeloss("analyze", "examples", run, "--image", name)
    assert code == 0, err
    assert name in out
    for arguments, said in (
        (("--image", "nothing.png"), "is no training image"),
        (("--epochs", "9"), "epochs are 0 to 2"),
        (("--epochs", "x"), "takes numbers"),
    ):
        code, _, err = largeloss("analyze", "examples", run, *arguments)
        assert code == 2
        assert said in err


def test_cam_draws_a_row_a_class_and_a_column_a_run(largeloss, trained, image_folder, tmp_path):
    runs = [trained("an"), trained("ll-r")]
    figure = tmp_path / "cam.png"
    name = "images/00.png"
    code, _, err = largeloss(
        "analyze", "cam", *runs, "--image", name, "--image", image_folder / name, "--class",
        "red", "--class", "blue", "--out", figure,
    )  # fmt: skip
    assert code == 0, err
    with Image.open(figure) as drawn:
        assert drawn.width > 2 * 300
        assert np.asarray(drawn.convert("RGB")).std() > 10
    svg = tmp_path / "cam.svg"
    code, _, err = largeloss("analyze", "cam", runs[0], "--image", name, "--out", svg)
    assert code == 0, err
    assert svg.read_text().startswith("<?xml")
    for arguments, said in (
        (("--image", "nowhere.png"), "neither a file nor an image"),
        (("--image", name, "--class", "green"), "know no class 'green'"),
        (("--image", name, "--out", tmp_path / "cam.txt"), "--out must be"),
        (("--image", name, "--out", tmp_path / "none" / "cam.png"), "--out must be"),
    ):
        code, _, err = largeloss("analyze", "cam", runs[0], *arguments)
        assert code == 2
        assert said in err


def test_cam_by_name_of_a_run_with_a_cache_that_leaves_images_out(trained, image_folder, tmp_path):
    run = trained("an", "--cache", tmp_path / "cache", "--bad-images", "skip")
    name = "images/00.png"
    by_name, by_file = (
        ActivationMaps([run]).rows(str(text), ["red"])[0] for text in (name, image_folder / name)
    )
    assert by_name.scores == by_file.scores
    assert by_name.image.shape == (20, 24, 3)


def test_cam_figures_show_names_as_they_are_and_appear_whole(tmp_path, monkeypatch):
    pixels = np.zeros((20, 24, 3), np.uint8)
    rows = [ActivationMapRow("a.png", pixels, r"$\frac$ (seen)", (pixels,), (0.5,))]
    figure = tmp_path / "cam.svg"
    write_cam_figure(figure, [r"$\method$"], rows)
    assert r"<!-- $\frac$ (seen) -->" in figure.read_text()

    def full(self, path, **more):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    before = figure.read_bytes()
    monkeypatch.setattr(Figure, "savefig", full)
    with pytest.raises(RunError, match="What was there before is as it was"):
        write_cam_figure(figure, ["LL-R"], rows)
    assert figure.read_bytes() == before
    assert list(tmp_path.iterdir()) == [figure]


def test_coco_mini(largeloss, real_data, tmp_path):
    """Boxes of the official file, images of their own sizes."""
    data = tmp_path / "coco"
    code, _, err = largeloss("data", "import", "coco2017", real_data / "coco-mini", "--out", data)
    assert code == 0, err
    run = tmp_path / "run"
    code, _, err = largeloss(
        "train", data, "--backbone", "digits", "--image-size", "32", "--epochs", "1", "--workers",
        "0", "--method", "an", "--out", run,
    )  # fmt: skip
    assert code == 0, err
    code, _, err = largeloss("analyze", "pointing", run)
    assert code == 0, err
    content = json.loads((run / "analysis/pointing.json").read_text())
    assert content["num_pairs"] + content["num_difficult"] == 284
    assert content["num_without_box"] == 0


def test_captions_claim_no_more_than_is_so(trained, image_folder):
    maps = ActivationMaps([trained("an")])
    path = str(image_folder / "images/00.png")

    def captions(threshold, names):
        maps.models[0].logit_thresholds = np.full(2, threshold)
        return [row.caption for row in maps.rows(path, names)]

    assert captions(-np.inf, ["red", "blue"]) == ["red (seen)", "blue (seen)"]
    assert captions(np.inf, ["red", "blue"]) == ["red (not seen)", "blue (not seen)"]
    assert captions(-np.inf, None) == [f"{name} (seen)" for name in maps.classes]
    assert captions(np.inf, None) in (["red (not seen)"], ["blue (not seen)"])
