"""Val that has too few tags to choose an epoch by: said, and the last epoch is taken."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from largeloss.api.results import Run
from largeloss.cli.summary import val
from largeloss.labels import LabelTable
from largeloss.runs.choice import choice_remarks
from largeloss.runs.result import RunResult
from largeloss.runs.sure_limit import SureLimit
from largeloss.runs.teachers import Teacher, Teaching
from largeloss.runs.tracking.content import Results
from largeloss.training.evaluation import Evaluator
from largeloss.training.fingerprints import _of as fingerprint

SMALL = [
    "--backbone", "digits", "--image-size", "16", "--epochs", "3", "--batch-size", "6", "--lr",
    "1e-3", "--workers", "0", "--method", "an",
]  # fmt: skip


def with_val(image_folder, make_image_folder, cells):
    """The data with every val image tagged alike."""
    lines = (image_folder / "labels.csv").read_text().splitlines()
    changed = [f"{line.split(',')[0]},val,{cells}" if ",val," in line else line for line in lines]
    return make_image_folder("val", labels="\n".join(changed) + "\n")


@pytest.mark.parametrize(
    ("cells", "reason"), [("0,0", "present in none of them"), ("1,1", "in all of its images")]
)
def test_finding_07_val_that_cannot_choose_takes_the_last_epoch_and_says_so(
    cells, reason, largeloss, image_folder, make_image_folder, tmp_path
):
    folder, run = with_val(image_folder, make_image_folder, cells), tmp_path / "run"
    code, out, err = largeloss("train", folder, *SMALL, "--out", run)
    assert code == 0, err
    assert "Val cannot choose an epoch" in err
    assert "with the weights of the last epoch (2)." in " ".join(out.split())
    assert reason in err
    assert "The best epoch is chosen" not in err
    result = json.loads((run / "result.json").read_text())
    assert result["best_epoch"] == 2
    assert result["test_map"] == result["last_test_map"]
    assert result["chosen_on_val"] is False
    assert any("Val cannot choose an epoch" in text for text in result["notes"])
    with (run / "metrics.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 3
    page = (run / "report.html").read_text()
    assert page.count("the weights are those of the last epoch") == 2
    assert "<dt>test mAP, last epoch (2)</dt>" in page
    for never in ("chosen on val by", "the best epoch is chosen", "best epoch (", "the ring marks"):
        assert never not in page


def test_results_of_earlier_versions_do_not_say_whether_val_chose(small_run, tmp_path):
    content = json.loads((small_run / "result.json").read_text())
    assert content.pop("chosen_on_val") is True
    del content["sha256"]
    (tmp_path / "result.json").write_text(json.dumps(content))
    assert RunResult.read(tmp_path).chosen_on_val


def test_finding_07_the_positives_that_val_rests_on_are_told_with_an_interval(
    largeloss, image_folder, make_image_folder, tmp_path
):
    lines = (image_folder / "labels.csv").read_text().splitlines()
    rows = [number for number, line in enumerate(lines) if ",val," in line]
    for number in rows:
        name = lines[number].split(",")[0]
        lines[number] = f"{name},val,{int(number == rows[0])},{int(number != rows[0])}"
    folder, run = make_image_folder("few", labels="\n".join(lines) + "\n"), tmp_path / "run"
    code, out, err = largeloss("train", folder, *SMALL, "--out", run)
    assert code == 0, err
    assert "2 of 2 classes can be measured there, by 1 to 5 positives each" in err
    assert "Few val positives: red (1)." in err
    result = json.loads((run / "result.json").read_text())
    assert result["val_counts"] == {"red": [1, 5, 0], "blue": [5, 1, 0]}
    low, high = result["val_map_interval"]
    assert 0 <= low <= result["val_map"] <= high <= 100
    assert low < high
    assert f"95 % bootstrap interval over the images: {low:.1f} to {high:.1f}" in out


def test_the_fewest_positives_are_named_first():
    labels = np.zeros((30, 12), dtype=np.int8)
    for column in range(12):
        labels[: column + 1, column] = 1
    table = LabelTable.from_dense(labels, classes=[f"c{column}" for column in range(12)])
    remarks = choice_remarks(Evaluator.of(table, np.arange(30)), "auto")
    assert "by 1 to 12 positives each" in remarks[0]
    assert remarks[1].startswith("Few val positives: c0 (1), c1 (2), c2 (3), c3 (4). ")
    assert "4 of the 12" in remarks[1]


@pytest.mark.parametrize("rule", ["full", "observed", "assume-absent"])
def test_classes_that_decide_have_both_states_by_the_rule(rule):
    states = {
        "full": [[1, 1, 0], [0, 1, 0]],
        "observed": [[1, 1, 0], [0, -1, -1]],
        "assume-absent": [[1, 1, -1], [-1, 1, 0]],
    }[rule]
    evaluator = Evaluator.of(LabelTable.from_dense(np.array(states)), np.arange(2), rule)
    assert evaluator.deciding.tolist() == [True, False, False]


def blank(split, image_folder, make_image_folder):
    lines = (image_folder / "labels.csv").read_text().splitlines()
    changed = [f"{one.split(',')[0]},{split},," if f",{split}," in one else one for one in lines]
    return make_image_folder("blank", labels="\n".join(changed) + "\n")


def test_a_split_without_any_label_is_said_not_to_be_measured(
    largeloss, image_folder, make_image_folder, tmp_path
):
    folder, run = blank("test", image_folder, make_image_folder), tmp_path / "run"
    code, out, err = largeloss("train", folder, *SMALL, "--out", run)
    assert code == 0, err
    assert "Test is not measured: all of its labels are blank." in " ".join(out.split())
    assert "Test mAP" not in out
    result = json.loads((run / "result.json").read_text())
    assert result["test_rule"] == "nothing"
    assert result["test_map_measurable"] is None
    assert result["test_counts"] == {"red": [0, 0, 6], "blue": [0, 0, 6]}
    assert "<dd>not measured</dd>" in (run / "report.html").read_text()
    code, out, err = largeloss("evaluate", run)
    assert code == 0, err
    assert "test: 6 inputs, not measured: all of their labels are blank." in out
    assert largeloss("thresholds", run)[0] == 0
    assert largeloss("export", run, "--to", "hub-folder", "--out", tmp_path / "hub")[0] == 0
    card = (tmp_path / "hub/README.md").read_text()
    assert "Test was not measured: all of its labels are blank." in card
    assert "Tags, by thresholds chosen on val for f1.\n" in card
    for never in ("mAP", "right", "by no label", "Figures hold"):
        assert never not in card
    tracked = Results.of(run)
    assert tracked.ap == {}
    assert not [name for name in tracked.figures if "test" in name]
    assert tracked.figures["val_map"] > 0


def test_nothing_is_chosen_on_a_val_without_any_label(
    largeloss, image_folder, make_image_folder, tmp_path
):
    folder, run = blank("val", image_folder, make_image_folder), tmp_path / "run"
    code, out, err = largeloss("train", folder, *SMALL, "--out", run)
    assert code == 0, err
    assert "every class is blank in all of them" in " ".join(err.split())
    assert "Val is not measured: all of its labels are blank." in out
    assert not [name for name in Results.of(run).figures if name.startswith("val")]
    before = (run / "best/config.json").read_bytes()
    shared = [one for one in SMALL[:-2] if one not in ("--lr", "1e-3")]
    for command in (
        ("thresholds", run),
        ("tune", folder, *shared, "--methods", "an", "--out", tmp_path / "tuned"),
    ):
        code, _, err = largeloss(*command)
        assert code == 2
        assert "cannot be chosen on val: all labels of its 6 images are blank" in err
    assert (run / "best/config.json").read_bytes() == before
    assert not list((tmp_path / "tuned").iterdir())


def test_a_val_without_any_label_has_no_figure(
    largeloss, image_folder, make_image_folder, tmp_path
):
    folder, run = blank("val", image_folder, make_image_folder), tmp_path / "run"
    more = ("--observe", "single-positive", "--teachers", "1", "--out", run)
    code, out, err = largeloss("train", folder, *SMALL, *more)
    assert code == 0, err
    assert out.count("val mAP     –") == 6
    assert "One teacher took" in err
    assert "val mAP 0.0" not in out + err
    for part in (run, run / "teacher-0"):
        with (part / "metrics.csv").open(newline="") as file:
            assert [line["val_map"] for line in csv.DictReader(file)] == ["", "", ""]
        assert json.loads((part / "result.json").read_text())["val_map"] is None
    assert Run.read(run).history.columns["val_map"] == [None, None, None]
    code, _, err = largeloss(
        "compare", folder, *SMALL[:-2], "--epochs", "1", "--methods", "an,iu", "--observe",
        "single-positive", "--seeds", "2", "--out", tmp_path / "both",
    )  # fmt: skip
    assert code == 0, err


@pytest.mark.parametrize(
    ("positives", "words"),
    [((12, 12), "12 positives per class"), ((1, 1), "1 positive per class"),
     ((0, 1), "0 to 1 positive per class"), ((1, 5), "1 to 5 positives per class")],
)  # fmt: skip
def test_positives_of_val_are_counted_in_words(small_run, positives, words):
    counts = {str(place): [number, 1, 0] for place, number in enumerate(positives)}
    assert words in val(replace(RunResult.read(small_run), val_counts=counts, val_rule="full"))


def test_what_a_teacher_was_chosen_by_is_told():
    limit = SureLimit(None, 0, 0)
    by_log_rank = Teacher(12.3, 1, 1.0, 78.9)
    assert "2 teachers (val log rank 78.9, 78.9) took" in str(
        Teaching((by_log_rank, by_log_rank), 1, None, limit)
    )


def test_runs_that_earlier_versions_began_on_blank_splits_have_the_same_fingerprints():
    table = LabelTable.from_dense(np.full((2, 3), -1))
    before = Evaluator("assume-absent", table)
    now = Evaluator.of(table, np.arange(2))
    assert now.rule == "nothing"
    assert fingerprint(now) == fingerprint(before)


def test_nothing_is_compared_on_a_test_without_any_label(
    largeloss, image_folder, make_image_folder, tmp_path
):
    folder, out = blank("test", image_folder, make_image_folder), tmp_path / "compared"
    code, _, err = largeloss("compare", folder, *SMALL[:-2], "--methods", "an", "--out", out)
    assert code == 2
    assert "Methods cannot be compared on test: all labels of its 6 images are blank." in err
    assert not list(out.iterdir())
