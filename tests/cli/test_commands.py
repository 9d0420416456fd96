"""The product through its command line, on a few small images: from table to report."""

import csv
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import torch

import largeloss as library
from largeloss.data.folder.read import write_features
from largeloss.export.model_card import model_card
from largeloss.files import checksummed_json

SMALL = [
    "--backbone", "digits", "--image-size", "16", "--epochs", "3", "--batch-size", "8",
    "--lr", "1e-3", "--workers", "0",
]  # fmt: skip


@pytest.fixture
def trained(largeloss, image_folder, tmp_path):
    code, out, err = largeloss(
        "train", image_folder, "--observe", "single-positive", "--method", "ll-cp",
        "--delta-rel", "5", *SMALL, "--out", tmp_path / "run",
    )  # fmt: skip
    assert code == 0, err
    return tmp_path / "run", out, err


def test_train_says_what_it_did_and_leaves_a_run_folder(trained):
    folder, out, err = trained
    assert "18 train" in out
    assert "unobserved" in out
    assert "chosen on val by complete labels" in err
    assert "Test mAP" in out
    assert "epoch  2" in out
    names = {path.name for path in folder.iterdir()}
    assert names >= {"config.yaml", "metrics.csv", "best", "last", "result.json",
                     "corrections.parquet"}  # fmt: skip
    saved = json.loads((folder / "best/config.json").read_text())
    assert saved["classes"] == ["red", "blue"]
    assert len(saved["thresholds"]) == 2
    assert saved["method"]["name"] == "ll-cp"
    result = json.loads((folder / "result.json").read_text())
    assert result["num_corrections"] > 0


def test_predict_writes_scores_and_tags(trained, largeloss, image_folder, tmp_path):
    folder, _, _ = trained
    code, out, err = largeloss(
        "predict", folder, image_folder / "images", "--out", tmp_path / "scores.csv",
        "--workers", "0",
    )  # fmt: skip
    assert code == 0, err
    with (tmp_path / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 30
    assert list(rows[0]) == ["image", "tags", "red", "blue"]
    assert all(0 <= float(row["red"]) <= 1 for row in rows)
    assert "30 images" in out
    code, _, err = largeloss("predict", folder, image_folder, "--out", tmp_path / "s.json")
    assert code == 0, err
    records = json.loads((tmp_path / "s.json").read_text())
    assert [r["tags"] for r in records] == [[t for t in r["tags"].split(";") if t] for r in rows]
    assert records[0]["scores"]["red"] == float(rows[0]["red"])


def test_evaluate_takes_a_folder_without_train(small_run, make_image_folder, largeloss):
    rows = "".join(f"images/{row:02d}.png,test,{row % 2},0\n" for row in range(8))
    held = make_image_folder("held", labels="image,split,red,blue\n" + rows)
    code, out, err = largeloss("evaluate", small_run, held)
    assert code == 0, err
    assert "test: 8 inputs" in out
    code, _, err = largeloss("evaluate", small_run, held, "--split", "val")
    assert code == 2
    assert "There is no split 'val' in held; there are test." in " ".join(err.split())
    code, _, err = largeloss("train", held, "--out", held / "run")
    assert code == 2
    assert "has no training images" in err


def test_evaluate_gives_the_figures_of_the_run(trained, largeloss, tmp_path):
    folder, _, _ = trained
    code, out, err = largeloss("evaluate", folder, "--split", "test", "--out", tmp_path / "e.json")
    assert code == 0, err
    assert "Measured by complete labels" in out
    figures = json.loads((tmp_path / "e.json").read_text())
    result = json.loads((folder / "result.json").read_text())
    assert figures["map"] == pytest.approx(result["test_map"], abs=1e-9)
    code, _, err = largeloss("evaluate", folder, "--split", "exam")
    assert code == 2
    assert "no split 'exam'" in err


def test_a_second_run_in_the_same_folder_is_refused_and_nothing_is_lost(
    trained, largeloss, image_folder
):
    folder, _, _ = trained
    before = (folder / "result.json").read_text()
    code, _, err = largeloss("train", image_folder, *SMALL, "--out", folder)
    assert code == 2
    assert "already holds a finished run" in err
    assert (folder / "result.json").read_text() == before


def test_resume_continues_and_refuses_other_settings(trained, largeloss):
    folder, _, _ = trained
    code, _, err = largeloss("train", "--resume", "--out", folder)
    assert code == 0
    assert "is finished; nothing is left to do" in err
    code, _, err = largeloss(
        "train", "--resume", "--out", folder, "--epochs", "9", "--method", "an"
    )
    assert code == 2
    assert "training.epochs: 3 → 9" in err
    assert "method.name: ll-cp → an" in err
    code, _, err = largeloss("train", "--resume", "--out", folder / "none")
    assert code == 2
    assert "no run in" in err


def test_a_run_cut_off_is_resumed_to_the_same_bits(largeloss, image_folder, tmp_path):
    arguments = ["train", image_folder, "--observe", "single-positive", *SMALL]
    code, _, err = largeloss(*arguments, "--out", tmp_path / "whole")
    assert code == 0, err
    script = (
        "import os, sys; from largeloss.cli import run; from largeloss import progress; "
        "original = progress.RunListener.end_epoch; "
        "progress.RunListener.end_epoch = lambda s, r: (original(s, r), "
        "os._exit(9) if r['epoch'] == 1 else None); run(sys.argv[1:])"
    )
    command = [sys.executable, "-c", script, *map(str, arguments), "--out", str(tmp_path / "cut")]
    assert subprocess.run(command, capture_output=True).returncode == 9
    code, out, err = largeloss("train", "--resume", "--out", tmp_path / "cut")
    assert code == 0, err
    assert "epoch  2" in out
    assert "epoch  1" not in out
    best = [(tmp_path / name / "best/model.safetensors").read_bytes() for name in ("whole", "cut")]
    assert best[0] == best[1]


def test_compare_writes_results_and_skips_what_is_finished(largeloss, image_folder, tmp_path):
    arguments = [
        "compare", image_folder, "--methods", "full,an,ll-r:5", "--seeds", "2",
        "--observe", "single-positive", *SMALL, "--epochs", "2", "--out", tmp_path / "all",
    ]  # fmt: skip
    code, out, err = largeloss(*arguments)
    assert code == 0, err
    results = json.loads((tmp_path / "all/results.json").read_text())
    assert len(results["runs"]) == 6
    assert set(results["runs"][0]) == {
        "method", "delta_rel", "seed", "test_map", "last_test_map", "best_epoch", "seconds",
        "share", "positives", "decisions", "test_rule", "test_split",
    }  # fmt: skip
    assert [line["method"] for line in results["summary"]] == ["full", "an", "ll-r"]
    assert set(results["summary"][0]) == {
        "method", "delta_rel", "mean", "std", "gap_closed", "share", "worth", "worth_range",
    }  # fmt: skip
    assert results["summary"][1]["delta_rel"] is None
    assert results["summary"][2]["delta_rel"] == 5
    assert results["summary"][0]["gap_closed"] in (1.0, None)
    assert "Naive AN" in out
    page = (tmp_path / "all/report.html").read_text()
    assert f"{results['summary'][1]['mean']:.1f}" in page
    states = {p: p.stat().st_mtime_ns for p in (tmp_path / "all").rglob("*.safetensors")}
    code, _, err = largeloss(*arguments)
    assert code == 0, err
    assert states == {p: p.stat().st_mtime_ns for p in states}
    code, _, err = largeloss(*arguments, "--set", "training.lr=0.5")
    assert code == 2
    assert "training.lr: 0.001 → 0.5" in err


def test_compare_goes_on_after_a_kill_in_the_first_epoch_and_with_settings_of_some_methods(
    largeloss, image_folder, tmp_path
):
    arguments = [
        "compare", image_folder, "--methods", "an,epr", "--seeds", "1", "--expected-positives",
        "1.2", "--observe", "single-positive", *SMALL, "--epochs", "1", "--out", tmp_path / "all",
    ]  # fmt: skip
    assert largeloss(*arguments)[0] == 0
    run_folder = tmp_path / "all/an-seed0"
    for path in (run_folder / "last/state.pt", run_folder / "result.json"):
        path.unlink()  # as a kill before the first checkpoint leaves it
    code, _, err = largeloss(*arguments)
    assert code == 0, err
    assert (run_folder / "result.json").is_file()


@pytest.mark.parametrize(
    ("methods", "message"),
    [("an,llr", "no method 'llr'"), ("ll-r,ll-r:0.2", "same run"), ("an:0.5", "no setting of an")],
)
def test_wrong_methods_are_refused_before_any_training(
    largeloss, image_folder, tmp_path, methods, message
):
    out = tmp_path / "all"
    code, _, err = largeloss("compare", image_folder, "--methods", methods, *SMALL, "--out", out)
    assert code == 2
    assert message in err
    assert not list(out.glob("*/best"))


def test_positives_only_say_what_could_not_be_measured(largeloss, make_image_folder, tmp_path):
    lines = [f"images/{row:02d}.png,{'1,' if row % 2 else ',1'}\n" for row in range(30)]
    root = make_image_folder(labels="image,red,blue\n" + "".join(lines))
    code, out, err = largeloss("train", root, *SMALL, "--out", tmp_path / "run")
    assert code == 0, err
    assert "log rank" in err, err
    assert "blanks counted as absent" in out
    assert "No split was given" in err
    measured, told, _ = largeloss("evaluate", tmp_path / "run")
    assert measured == 0
    result = json.loads((tmp_path / "run/result.json").read_text())
    for text in (out, told):
        for name, (present, absent, unknown) in result["test_counts"].items():
            (line,) = [line for line in text.splitlines() if line.startswith(f"{name} ")]
            assert line.split()[1:4] == [str(present), "0", str(unknown)]
            assert present > 0 == absent < unknown
            assert "not measurable" not in line
        assert re.search(r"at least [\d.]+ % of them are right \(those on blanks count as", text)
        assert "% of the tags that the labels have are found" in text
    page = (tmp_path / "run/report.html").read_text()
    assert ">Unknown</th>" in page
    run = library.Run.read(tmp_path / "run")
    for text in (page, model_card("run", run.model, run.settings, run)):
        assert "red" in text
        assert "not measurable" not in text


@pytest.mark.parametrize("name", ["compare", "tune", "reproduce"])
def test_resume_where_the_same_command_goes_on(largeloss, name):
    code, _, err = largeloss(name, "photos", "--resume")
    assert code == 2
    assert "No such option: --resume" in err
    assert f"{name} needs no --resume: the same command again" in err
    assert "the same command" not in largeloss(name, "photos", "--resumes")[2]
    assert "the same command" not in largeloss("evaluate", "run", "--resume")[2]


def test_a_comparison_says_by_which_labels_test_was_measured(
    largeloss, make_image_folder, tmp_path
):
    lines = [f"images/{row:02d}.png,{'1,' if row % 2 else ',1'}\n" for row in range(30)]
    root, out = make_image_folder(labels="image,red,blue\n" + "".join(lines)), tmp_path / "both"
    compare = ("compare", root, *SMALL, "--methods", "an,ll-r:5", "--seeds", "1", "--out", out)
    code, printed, err = largeloss(*compare)
    assert code == 0, err
    results = json.loads((out / "results.json").read_text())
    assert [one["test_rule"] for one in results["runs"]] == ["assume-absent"] * 2
    for one in results["runs"]:
        del one["test_rule"]  # as files of earlier versions
    del results["sha256"]
    (out / "results.json").write_text(checksummed_json(results))
    code, _, err = largeloss("report", out, "--out", tmp_path / "again.html")
    assert code == 0, err
    files = (out / "table.md", out / "report.html", tmp_path / "again.html")
    for text in (printed, *(file.read_text() for file in files)):
        assert "Test was measured by blanks counted as absent" in text
        assert "one seed, which cannot tell methods apart" in text


def test_demo_makes_its_report_and_replaces_only_its_own_folder(largeloss, tmp_path):
    out = tmp_path / "demo"
    for _ in range(2):
        code, text, err = largeloss("demo", "--out", out, "--epochs", "2", "--methods", "an,ll-r:1")
        assert code == 0, err
    assert "LL-R" in text
    results = json.loads((out / "results.json").read_text())
    assert [run["method"] for run in results["runs"]] == ["an", "ll-r"]
    page = (out / "report.html").read_text()
    assert "<svg" in page
    assert "LL-R rejected" in page
    for wrong in ("llr", "ll-r:900", "an,an"):
        assert largeloss("demo", "--out", out, "--methods", wrong)[0] == 2
        assert (out / "results.json").is_file()  # a wrong option clears nothing
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("precious")
    code, _, err = largeloss("demo", "--out", mine)
    assert code == 2
    assert "left alone" in err
    assert (mine / "thesis.txt").read_text() == "precious"


def test_methods_lists_all(largeloss):
    from largeloss.losses import LOSSES

    code, out, _ = largeloss("methods")
    assert code == 0
    for name in LOSSES:
        assert f"{name} " in out


def test_module_and_script_are_the_same_command():
    command = [sys.executable, "-m", "largeloss", "--help"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0
    assert "compare" in result.stdout


def test_torchrun_trains_with_two_processes_and_one_speaks(image_folder, tmp_path):
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2",
        "-m", "largeloss", "train", str(image_folder), "--observe", "single-positive",
        "--method", "ll-cp", "--delta-rel", "5", *SMALL, "--out", str(tmp_path / "run"),
    ]  # fmt: skip
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=240)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("epoch  2") == 1
    saved = json.loads((tmp_path / "run/result.json").read_text())
    assert saved["environment"]["processes"] == 2
    assert saved["num_corrections"] > 0


def test_finding_08_the_mean_over_what_can_be_measured_comes_first(
    largeloss, make_image_folder, tmp_path
):
    """Of four classes one is present nowhere in test, and of one no absence is observed there."""
    lines = []
    for row in range(30):
        split = ("train", "train", "train", "val", "test")[row % 5]
        rare, common = (0, 1) if split == "test" else (row % 2, row % 3 % 2)
        lines.append(f"images/{row:02d}.png,{split},{row % 2},{rare},{common},{row // 5 % 2}\n")
    root = make_image_folder(labels="image,split,red,rare,common,slow\n" + "".join(lines))
    code, out, err = largeloss("train", root, *SMALL, "--out", tmp_path / "run")
    assert code == 0, err
    result = json.loads((tmp_path / "run/result.json").read_text())
    ap = result["test_ap"]
    assert ap["rare"] == 0
    assert ap["common"] == 1
    assert result["test_map"] == pytest.approx(100 * sum(ap.values()) / 4)
    measurable = 50 * (ap["red"] + ap["slow"])
    assert result["test_map_measurable"] == pytest.approx(measurable)
    assert f"Test mAP {measurable:.1f} (95 % bootstrap interval" in out
    code, told, err = largeloss("evaluate", tmp_path / "run", "--out", tmp_path / "e.json")
    assert code == 0, err
    assert f"mAP {measurable:.1f}, OF1" in told
    for text in (out, told, (tmp_path / "run/report.html").read_text()):
        assert "over the 2 of 4 classes that can be measured" in text
        assert f"as published, it is {result['test_map']:.1f}" in text
        assert "1 class has no observed presence there and counts 0" in text
        assert "1 class has no observed absence there and counts 100 whatever the model" in text
    figures = json.loads((tmp_path / "e.json").read_text())
    assert figures["map_measurable"] == result["test_map_measurable"]
    assert figures["classes_without_negatives"] == 1


def test_finding_20_comparing_on_features_with_recorded_losses(largeloss, tmp_path):
    stream = np.random.default_rng(0)
    root = tmp_path / "features"
    root.mkdir()
    labels = stream.integers(0, 2, (60, 3))
    rows = [f"{row},{('train', 'train', 'val', 'test')[row % 4]},{','.join(map(str, own))}\n"
            for row, own in enumerate(labels)]  # fmt: skip
    (root / "labels.csv").write_text("image,split,a,b,c\n" + "".join(rows))
    values = torch.from_numpy(labels @ stream.normal(size=(3, 5)))
    write_features(root / "features.safetensors", values, [str(row) for row in range(60)])
    recorded = ["--observe", "single-positive", "--record", "losses", "--epochs", "3"]
    code, out, err = largeloss(
        "compare", root, "--methods", "an,ll-r:5", "--seeds", "1", *recorded,
        "--out", tmp_path / "all",
    )  # fmt: skip
    assert code == 0, err
    assert (tmp_path / "all/report.html").is_file()
    assert "Report, to open in a browser" in out
    code, _, err = largeloss("report", tmp_path / "all")
    assert code == 0, err
    code, _, err = largeloss("analyze", "examples", tmp_path / "all/ll-r-5-seed0")
    assert code == 0, err
