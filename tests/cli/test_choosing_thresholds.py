"""``largeloss thresholds``: aims and calibration are saved with the model, and used."""

import csv
import json
import shutil

import numpy as np
import pytest
import torch

import largeloss as library
from largeloss import cli
from largeloss.data.folder.read import write_features
from largeloss.errors import ConfigError
from largeloss.files import verified_json
from largeloss.metrics import average_precision

CLASSES = ("easy", "hard", "unlearnt", "noise")


def write_data(root, *, absent=True):
    """300 inputs; a class that features show, one half hidden by noise, one without a positive
    training label, and one that they do not show."""
    stream = np.random.default_rng(0)
    root.mkdir()
    truth = (stream.random((300, 4)) < (0.4, 0.3, 0.3, 0.3)).astype(int)
    spread = np.array([0.3, 1.0, 0.3, 0.0])
    features = np.where(spread > 0, truth + spread * stream.normal(size=(300, 4)), 0)
    names = [f"{row}.jpg" for row in range(300)]
    lines = ["image,split," + ",".join(CLASSES)]
    for row, name in enumerate(names):
        split = ("train", "val", "test")[row % 3]
        labels = truth[row].astype(object)
        if split == "train":
            labels[2] = 0
        if not absent:
            labels[labels == 0] = ""
        lines.append(",".join((name, split, *map(str, labels))))
    (root / "labels.csv").write_text("\n".join(lines) + "\n")
    write_features(root / "features.safetensors", torch.tensor(features).float(), names)
    return root


def train(data, out, *more):
    code = cli.run(
        ["train", str(data), "--method", "an", "--epochs", "3", "--lr", "1e-2", "--workers", "0",
         "--batch-size", "16", "--out", str(out), *more]
    )  # fmt: skip
    assert code == 0
    return out


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("thresholds")
    return train(write_data(folder / "data"), folder / "run")


@pytest.fixture
def run(made, tmp_path):
    return shutil.copytree(made, tmp_path / "run")


def predicted(largeloss, run, out):
    code, _, err = largeloss("predict", run, run.parent, "--out", out)
    assert code == 0, err
    with out.open(newline="") as file:
        return list(csv.DictReader(file)), err


def test_a_precision_is_aimed_at_and_what_cannot_reach_it_is_never_tagged(
    largeloss, run, made, tmp_path
):
    code, out, err = largeloss("thresholds", run, "--aim", "precision=0.85")
    assert code == 0, err
    lines = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    assert "cannot reach it" in lines["noise"]
    assert "never learnt" in lines["unlearnt"]
    assert "test, all classes together: precision" in out
    assert "expected calibration error" in out
    assert "complete labels" in out
    model = library.load(run)
    assert model.thresholds["noise"] is None
    assert model.thresholds["unlearnt"] is None
    assert (model.tag_rules["easy"].precision or 0) >= 0.85
    shutil.copy(made.parent / "data/features.safetensors", tmp_path)
    rows, err = predicted(largeloss, run, tmp_path / "scores.csv")
    assert "no threshold reaches precision=0.85 on val: noise" in err
    assert "no training image had the tag: unlearnt" in err
    for row in rows:
        tags = {name for name in CLASSES if float(row[name]) > (model.thresholds[name] or 1)}
        assert tags == set(filter(None, row["tags"].split(";")))


def test_a_class_that_val_does_not_show_is_said_to_have_the_threshold_of_others(
    largeloss, tmp_path
):
    data = write_data(tmp_path / "data")
    lines = (data / "labels.csv").read_text().splitlines()
    rows = [line.split(",") for line in lines]
    for row in rows:
        row[3] = "0" if row[1] == "val" else row[3]
    (data / "labels.csv").write_text("\n".join(map(",".join, rows)) + "\n")
    run = train(data, tmp_path / "run")
    code, _, err = largeloss("thresholds", run, "--aim", "precision=0.85")
    assert code == 0, err
    assert "Val has no present label of 1 of 4 classes (hard): they have" in " ".join(err.split())
    assert library.load(run).thresholds["hard"] is not None


def test_thresholds_and_figures_are_those_of_the_saved_model(largeloss, run, tmp_path):
    assert largeloss("thresholds", run, "--aim", "recall=0.8")[0] == 0
    saved = json.loads((run / "best/config.json").read_text())
    figures = tmp_path / "figures.json"
    assert largeloss("evaluate", run, "--out", figures)[0] == 0
    found = json.loads(figures.read_text())
    came = saved["chosen_for"]
    assert came["aim"] == "recall=0.8"
    assert found["tag_precision"] == pytest.approx(100 * came["test"]["precision"])
    assert found["tag_recall"] == pytest.approx(100 * came["test"]["recall"])
    by_class = {name: shares["precision"] for name, shares in came["test_classes"].items()}
    assert found["class_precision"] == by_class
    assert saved["thresholds"]["easy"]["recall"] >= 0.8


def test_calibration_keeps_every_rank_and_the_run_as_it_is(largeloss, run, made):
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    logits = torch.randn(50, 4) * 3
    raw = library.load(run).scores(logits).numpy()
    assert largeloss("thresholds", run)[0] == 0
    calibrated = library.load(run).scores(logits).numpy()
    labels = np.random.default_rng(0).integers(0, 2, (50, 4))
    np.testing.assert_array_equal(
        average_precision(calibrated, labels), average_precision(raw, labels)
    )
    assert not np.allclose(calibrated, raw)
    changed = {p for p, content in before.items() if p.read_bytes() != content}
    assert changed == {run / "best/config.json"}
    assert {path for path in run.rglob("*") if path.is_file()} == set(before)
    verified_json((run / "best/config.json").read_text())
    code, _, err = largeloss("train", made.parent / "data", "--resume", "--out", run)
    assert code == 0, err
    assert largeloss("thresholds", run, "--no-calibrate")[0] == 0
    np.testing.assert_array_equal(library.load(run).scores(logits).numpy(), raw)


def test_f1_without_calibration_gives_the_thresholds_of_training(largeloss, run):
    before = library.load(run).tag_rules
    assert largeloss("thresholds", run, "--no-calibrate")[0] == 0
    assert library.load(run).tag_rules == before


def test_from_python_the_model_is_read_again(run):
    trained = library.Run.read(run)
    earlier = trained.model.thresholds
    found = trained.choose_thresholds("precision=0.9")
    assert "Thresholds for precision=0.9" in found._repr_html_()
    assert trained.model.thresholds == found.thresholds != earlier
    with pytest.raises(ConfigError, match="An aim is"):
        trained.choose_thresholds("precision=90")


def test_few_val_positives_are_remarked_on(largeloss, tmp_path):
    data = write_data(tmp_path / "data")
    lines = (data / "labels.csv").read_text().splitlines()
    kept = [line for row, line in enumerate(lines[1:]) if ",val," not in line or row < 60]
    (data / "labels.csv").write_text("\n".join([lines[0], *kept]) + "\n")
    run = train(data, tmp_path / "run")
    code, _, err = largeloss("thresholds", run)
    assert code == 0, err
    told = " ".join(err.split())
    assert "of 4 classes have fewer than 10 present labels on val" in told
    assert "--no-calibrate leaves the network's own scores" in told
    assert "fewer than 10" not in largeloss("thresholds", run, "--no-calibrate")[2]


def test_positives_only_are_not_calibrated_on(largeloss, tmp_path):
    run = train(write_data(tmp_path / "data", absent=False), tmp_path / "run")
    code, out, err = largeloss("thresholds", run, "--aim", "f1")
    assert code == 0, err
    assert "not calibrated: fewer than half of the classes of val have observed absences" in err
    assert "blanks counted as absent" in out
    assert library.load(run).calibration is None


def test_without_a_test_split_val_is_not_called_test(largeloss, tmp_path):
    data = write_data(tmp_path / "data")
    labels = data / "labels.csv"
    labels.write_text(labels.read_text().replace(",test,", ",train,"))
    run = train(data, tmp_path / "run")
    code, out, err = largeloss("thresholds", run)
    assert code == 0, err
    told = " ".join(err.split())
    assert "There is no test split: what is called test below is val. Its images also" in told
    assert "measured on val by complete labels" in out
    assert "calibration error" not in out
    saved = json.loads((run / "best/config.json").read_text())["calibration"]
    assert (saved["before"], saved["after"]) == ([], [])
    assert largeloss("export", run, "--to", "hub-folder", "--out", tmp_path / "hub")[0] == 0
    card = (tmp_path / "hub/README.md").read_text()
    assert "Val mAP " in card
    assert "of those on val " in card
    assert "no test split: the images of val also chose the epoch and the thresholds" in card
    for never in ("Test mAP", "on test", "Test images"):
        assert never not in card
    page = (run / "report.html").read_text()
    assert "Measured on val by complete labels" in page
    assert "val mAP, best epoch" in page
    for never in ("test mAP, ", "tags on test", "the test images"):
        assert never not in page


@pytest.mark.parametrize("aim", ["precision=90", "accuracy", "recall="])
def test_other_aims_are_refused(largeloss, run, aim):
    code, _, err = largeloss("thresholds", run, "--aim", aim)
    assert (code, "precision=P" in err) == (2, True)


def test_no_run_an_unfinished_one_and_changed_classes_are_refused(largeloss, run, tmp_path):
    code, _, err = largeloss("thresholds", tmp_path / "none")
    assert (code, "There is no run" in err) == (2, True)
    (run / "result.json").unlink()
    code, _, err = largeloss("thresholds", run)
    assert (code, "is not finished" in err) == (2, True)


def test_a_config_that_calibrates_other_classes_is_refused(largeloss, run, tmp_path):
    assert largeloss("thresholds", run)[0] == 0
    path = run / "best/config.json"
    content = json.loads(path.read_text())
    del content["sha256"]
    content["calibration"]["lines"]["easy"]["slope"] = -1.0
    path.write_text(json.dumps(content))
    code, _, err = largeloss("predict", run, tmp_path, "--out", tmp_path / "scores.csv")
    assert (code, "slope" in err) == (1, True)
