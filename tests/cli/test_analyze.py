"""A recorded run, looked into."""

import json

import numpy as np
import pytest

from largeloss.analysis.recorded import RecordedLosses

SMALL = (
    "--backbone", "digits", "--image-size", "16", "--epochs", "4", "--batch-size", "8",
    "--lr", "1e-3", "--workers", "0", "--observe", "single-positive",
)  # fmt: skip


@pytest.fixture
def recorded_run(largeloss, image_folder, tmp_path):
    def train(method, *more):
        out = tmp_path / method
        code, _, err = largeloss(
            "train", image_folder, *SMALL, "--method", method, "--record", "losses", *more,
            "--out", out,
        )  # fmt: skip
        assert code == 0, err
        return out

    return train


def test_memorization_prints_the_papers_table(largeloss, recorded_run):
    run = recorded_run("an")
    code, out, err = largeloss("analyze", "memorization", run)
    assert code == 0, err
    assert "Naive AN on VOC 2012, published" in out
    assert "72.2" in out
    content = json.loads((run / "analysis/memorization.json").read_text())
    assert set(content) == {"method", "TP", "TN", "FN"}
    assert len(content["FN"]["mean_loss"]) == 4
    assert RecordedLosses.read(run).losses(0).shape[0] == 18


def test_corrections_by_epoch_and_class(largeloss, recorded_run):
    run = recorded_run("ll-r", "--delta-rel", "10")
    code, out, err = largeloss("analyze", "corrections", run)
    assert code == 0, err
    assert "red" in out
    content = json.loads((run / "analysis/corrections.json").read_text())
    assert content["epochs"][0]["flagged"] == 0
    assert content["epochs"][3]["flagged"] > content["epochs"][1]["flagged"] > 0


def test_recording_changes_nothing(largeloss, image_folder, recorded_run, tmp_path):
    run = recorded_run("ll-cp", "--delta-rel", "10")
    code, _, err = largeloss(
        "train", image_folder, *SMALL, "--method", "ll-cp", "--delta-rel", "10", "--out",
        tmp_path / "plain",
    )  # fmt: skip
    assert code == 0, err
    one, two = (json.loads((p / "result.json").read_text()) for p in (run, tmp_path / "plain"))
    assert one["test_ap"] == two["test_ap"]
    assert one["num_corrections"] == two["num_corrections"] > 0


def test_what_is_missing_is_said(largeloss, recorded_run, image_folder, tmp_path):
    code, _, err = largeloss(
        "train", image_folder, *SMALL, "--method", "an", "--out", tmp_path / "plain"
    )
    assert code == 0, err
    code, _, err = largeloss("analyze", "memorization", tmp_path / "plain")
    assert code == 2
    assert "has no recorded losses" in err
    code, _, err = largeloss("analyze", "memorization", tmp_path / "nowhere")
    assert code == 2
    assert "There is no run in" in err
    code, _, err = largeloss("analyze", "corrections", recorded_run("an"))
    assert code == 2
    assert "flagged no entry" in err


def flipped(lines):
    return [lines[0], *(line[:-1] + ("0" if line[-1] == "1" else "1") for line in lines[1:])]


def reordered(lines):
    return [lines[0], *lines[:0:-1]]


def inserted(lines):
    return [*lines[:5], lines[5].replace("04.png", "4.png"), *lines[5:]]


@pytest.mark.parametrize("change", [flipped, reordered, inserted])
def test_a_recording_is_not_read_with_labels_that_have_changed(
    largeloss, recorded_run, image_folder, change
):
    run, file = recorded_run("ll-r", "--delta-rel", "10"), image_folder / "labels.csv"
    (image_folder / "images/4.png").write_bytes((image_folder / "images/04.png").read_bytes())
    given = file.read_text()
    file.write_text("\n".join(change(given.splitlines())) + "\n")
    for name in ("memorization", "corrections", "examples"):
        code, _, err = largeloss("analyze", name, run)
        assert code == 2
        assert "was recorded with other labels, splits or images than its data set has now" in err
    code, _, err = largeloss("report", run)
    assert code == 0, err
    assert "was recorded with other labels" in (run / "report.html").read_text()
    file.write_text(given)
    assert largeloss("analyze", "corrections", run)[0] == 0


def test_a_recording_of_a_share_without_broken_images_is_read(
    largeloss, recorded_run, image_folder
):
    for name in ("01", "03"):
        (image_folder / f"images/{name}.png").write_bytes(b"no image")
    run = recorded_run("an", "--bad-images", "skip", "--set", "data.train_share=0.5")
    assert "was recorded with other labels" not in (run / "report.html").read_text()
    code, _, err = largeloss("analyze", "memorization", run)
    assert code == 0, err
    code, out, err = largeloss("thresholds", run)
    assert code == 0, err
    assert "not those that the run was trained with" not in out + err


def test_labels_that_were_never_complete(largeloss, make_image_folder, tmp_path):
    lines = [
        f"images/{row:02d}.png,{('train', 'train', 'val')[row % 3]},1,"
        if row % 2
        else f"images/{row:02d}.png,{('train', 'train', 'val')[row % 3]},,1"
        for row in range(30)
    ]
    folder = make_image_folder(labels="\n".join(["image,split,red,blue", *lines]) + "\n")
    code, _, err = largeloss(
        "train", folder, *SMALL[:-2], "--method", "ll-r", "--delta-rel", "10", "--record",
        "losses", "--out", tmp_path / "run",
    )  # fmt: skip
    assert code == 0, err
    code, _, err = largeloss("analyze", "memorization", tmp_path / "run")
    assert code == 2
    assert "truth of no unobserved entry is known" in err
    code, out, err = largeloss("analyze", "corrections", tmp_path / "run")
    assert code == 0, err
    assert "not known" in out
    flagged = RecordedLosses.read(tmp_path / "run").flagged(3)
    assert np.ndim(flagged) == 2
