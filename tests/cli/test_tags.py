"""What ``predict`` tags: by thresholds that are saved as they can be read, never the unlearnt."""

import csv
import json
import shutil

import numpy as np
import pytest

import largeloss as library
from largeloss.runs.opened import open_run
from largeloss.training.evaluation import Evaluator

SMALL = [
    "--backbone", "digits", "--image-size", "16", "--epochs", "3", "--batch-size", "6", "--lr",
    "1e-3", "--workers", "0", "--method", "an",
]  # fmt: skip


@pytest.fixture
def with_green(image_folder, make_image_folder):
    """A third class, green: present in val and test, in no training image."""
    lines = (image_folder / "labels.csv").read_text().splitlines()
    greens = ["green", *("0" if ",train," in line else "1" for line in lines[1:])]
    greens[-1] = greens[-2] = "0"  # one val and one test image without it
    labels = "\n".join(f"{line},{green}" for line, green in zip(lines, greens, strict=True))
    return make_image_folder("green", labels=labels + "\n")


def test_finding_01_a_class_that_was_never_learnt_is_never_tagged(largeloss, with_green, tmp_path):
    run, scores = tmp_path / "run", tmp_path / "scores.csv"
    code, out, err = largeloss("train", with_green, *SMALL, "--out", run)
    assert code == 0, err
    assert "% of them are right" in out
    saved = json.loads((run / "best/config.json").read_text())["thresholds"]
    assert list(saved) == ["red", "blue", "green"]
    assert saved["green"]["probability"] is None
    assert saved["green"]["precision"] is None
    assert saved["green"]["recall"] == 0
    assert saved["green"]["positives"] == 5
    code, out, err = largeloss("predict", run, with_green, "--out", scores, "--workers", "0")
    assert code == 0, err
    assert "Never tagged, since no training image had the tag: green." in err
    with scores.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {name for row in rows for name in row["tags"].split(";")} >= {"red", "blue"}
    assert not any("green" in row["tags"] for row in rows)
    assert all(0 < float(row["green"]) < 1 for row in rows)
    assert library.load(run).thresholds["green"] is None


def test_finding_01_thresholds_are_saved_with_what_they_come_to_on_val(
    largeloss, with_green, tmp_path
):
    run = tmp_path / "run"
    assert largeloss("train", with_green, *SMALL, "--out", run)[0] == 0
    opened = open_run(run)
    val = Evaluator.of(opened.dataset.labels, opened.dataset.rows("val"))
    logits = np.asarray(val.scores(opened.model.network, opened.loader("val")))
    truth = opened.dataset.labels.select(opened.dataset.rows("val")).to_dense()
    for column, name in enumerate(("red", "blue")):
        rule = opened.model.tag_rules[name]
        tagged = 1 / (1 + np.exp(-logits[:, column])) > rule.probability
        hits = (tagged & (truth[:, column] == 1)).sum()
        assert rule.positives == (truth[:, column] == 1).sum()
        assert rule.recall == pytest.approx(hits / rule.positives)
        assert rule.precision == (pytest.approx(hits / tagged.sum()) if tagged.any() else None)


def test_where_nothing_is_tagged_no_share_is_right(largeloss, small_run, tmp_path):
    run, figures = shutil.copytree(small_run, tmp_path / "run"), tmp_path / "figures.json"
    content = json.loads((run / "best/config.json").read_text())
    del content["sha256"]
    for rule in content["thresholds"].values():
        rule["probability"] = None
    (run / "best/config.json").write_text(json.dumps(content))
    code, out, err = largeloss("evaluate", run, "--out", figures)
    assert code == 0, err
    assert "No entry is tagged." in out
    found = json.loads(figures.read_text())
    assert (found["tag_precision"], found["tag_recall"], found["of1"]) == (None, 0, 0)


def test_a_run_that_tags_nothing_is_said_to(largeloss, small_run, tmp_path):
    run = shutil.copytree(small_run, tmp_path / "run")
    content = json.loads((run / "result.json").read_text()) | {"test_tag_precision": None}
    del content["sha256"]
    (run / "result.json").write_text(json.dumps(content))
    code, out, err = largeloss("train", "--resume", "--out", run)  # shows the result again
    assert code == 0, err
    assert "No entry is tagged." in out
    assert largeloss("report", run)[0] == 0
    assert "<dd>no entry is tagged</dd>" in (run / "report.html").read_text()
    assert largeloss("export", run, "--to", "hub-folder", "--out", tmp_path / "hub")[0] == 0
    assert "for f1: no entry of test is tagged." in (tmp_path / "hub/README.md").read_text()


def test_finding_01_evaluate_says_how_far_tags_can_be_trusted(largeloss, with_green, tmp_path):
    run, figures = tmp_path / "run", tmp_path / "figures.json"
    assert largeloss("train", with_green, *SMALL, "--out", run)[0] == 0
    code, out, err = largeloss("evaluate", run, "--out", figures)
    assert code == 0, err
    assert "Precision" in out
    found, result = json.loads(figures.read_text()), json.loads((run / "result.json").read_text())
    assert found["tag_precision"] == result["test_tag_precision"]
    assert found["tag_recall"] == result["test_tag_recall"]
    assert found["class_precision"]["green"] is None
    assert found["class_recall"]["green"] == 0
    (line,) = [line for line in out.splitlines() if line.strip().startswith("green")]
    assert "–" in line
