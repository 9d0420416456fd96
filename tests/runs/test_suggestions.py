"""Suggestions: the ranking beside loops, and that missing and wrong tags come first."""

import csv
import json
import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from pyarrow import parquet

from largeloss.api import Run
from largeloss.data.folder.read import write_features
from largeloss.runs.best_entries import BestEntries
from largeloss.runs.data import open_data
from largeloss.runs.folds import fold_numbers
from largeloss.runs.load import load
from largeloss.runs.result import RunResult
from largeloss.runs.ridge import PRIOR, STRENGTH, WEIGHT, Ridge, Sums
from largeloss.runs.settings import saved_settings
from largeloss.runs.suggestion_files import class_ranks
from largeloss.runs.suggestions import missing_and_wrong, suggest

CLASSES = ("=cat", "dog", "<img src=x onerror=alert(1)>")
SMALL = ["--method", "an", "--epochs", "3", "--lr", "1e-2", "--workers", "0"]


def write_data(root, *, wrong=(), hidden=0.6):
    """200 inputs, each class shown by a feature of its own; of train, 60 % of the labels hidden."""
    stream = np.random.default_rng(0)
    root.mkdir()
    truth = stream.integers(0, 2, (200, 3))
    features = np.hstack([truth, np.zeros((200, 1))]) + 0.1 * stream.normal(size=(200, 4))
    lines = ["image,split," + ",".join(CLASSES)]
    given = truth.astype(object)
    given[:120][stream.random((120, 3)) < hidden] = ""
    for row, column in wrong:
        given[row, column] = 1 - truth[row, column]
    names = [f"-{row}.jpg" for row in range(200)]
    for row, name in enumerate(names):
        split = "train" if row < 120 else "val" if row < 160 else "test"
        lines.append(",".join((name, split, *map(str, given[row]))))
    (root / "labels.csv").write_text("\n".join(lines) + "\n")
    write_features(root / "features.safetensors", torch.tensor(features).float(), names)
    return truth, given


@pytest.fixture
def trained(tmp_path, largeloss):
    """A run, the truth and the labels given; two observed ones are wrong."""
    truth, given = write_data(tmp_path / "data", wrong=((3, 1), (50, 2)))
    code, _, err = largeloss("train", tmp_path / "data", *SMALL, "--out", tmp_path / "run")
    assert code == 0, err
    return tmp_path / "run", truth, given


def test_the_best_of_each_class_are_those_of_a_sort():
    stream = np.random.default_rng(0)
    scores, chosen = stream.integers(0, 9, (90, 4)) / 2, stream.random((90, 4)) < 0.7
    expected = []
    for column in range(4):
        entries = [(-scores[row, column], row, column) for row in range(90) if chosen[row, column]]
        expected += sorted(entries)[:5]
    for size in (1, 7, 90):
        best = BestEntries(4, 5)
        for start in range(0, 90, size):
            part = slice(start, start + size)
            best.add(np.arange(90)[part], scores[part], chosen[part])
        found = best.ranked()
        assert list(zip(-found.scores, found.rows, found.columns, strict=True)) == sorted(expected)


def test_suggestions_are_a_table(trained):
    found = suggest(trained[0])
    table = found.to_arrow()
    assert table.num_rows == len(found)
    first = table.slice(0, 1).to_pylist()[0]
    assert first["image"] == found.images[found.rows[0]]
    assert (first["class"], first["label"]) == (found.classes[found.columns[0]], None)
    assert f"of {len(found):,} entries" in found._repr_html_()


def test_no_entry_at_all():
    assert len(BestEntries(4, 5).ranked().rows) == 0


def test_the_regression_is_the_one_of_its_formula():
    stream = np.random.default_rng(0)
    features = stream.normal(size=(40, 5)) * (1, 2, 3, 4, 0) + 7  # the last is constant
    tags = (stream.random((40, 3)) < 0.4).astype(float)
    tags[:, 2] = 0
    parts = [Sums.of(features[:13], tags[:13]), Sums.of(features[13:], tags[13:])]
    ridge = Ridge.fit(parts[0].plus(parts[1]))
    found = ridge.scores(features)
    np.testing.assert_allclose(ridge.deviations(found)[:, :2].mean(0), 0, atol=1e-9)
    np.testing.assert_allclose(ridge.deviations(found)[:, :2].std(0), 1)
    assert (ridge.deviations(found)[:, 2] == 0).all()  # nobody has the tag
    present, absent = np.array([16, 12, 0]), np.array([4, 0, 3])
    found_odds = ridge.log_odds(found, present, absent)
    for column, others in enumerate([4, 40 - 12, 3]):
        for row in range(40):
            away = (found[row, column] - found[:, column].mean()) / (found[:, column].std() or 1)
            odds = math.log((present[column] + 0.5) / (others + 0.5)) + WEIGHT * away
            assert found_odds[row, column] == pytest.approx(odds, abs=1e-9)
    deviations = [features[:, k].std() or 1.0 for k in range(5)]
    normal = np.array(
        [
            [(x - features[:, k].mean()) / deviations[k] for k, x in enumerate(row)]
            for row in features
        ]
    )
    added = STRENGTH * sum(float(x) ** 2 for x in normal.ravel()) / 40
    for column in range(3):
        share = sum(tags[:, column]) / 40
        normal_equations = normal.T @ normal + added * np.eye(5)
        weights = np.linalg.inv(normal_equations) @ normal.T @ (tags[:, column] - share)
        expected = (normal @ weights + share) / max(share, 0.5 / 40) ** (1 - PRIOR)
        np.testing.assert_allclose(found[:, column], expected, rtol=1e-9, atol=1e-12)


def test_images_that_are_all_alike_give_the_share_tagged():
    tags = np.array([[1.0, 0], [0, 0]])
    found = Ridge.fit(Sums.of(np.ones((2, 3)), tags)).scores(np.ones((2, 3)))
    np.testing.assert_allclose(found, [[0.5**PRIOR, 0]] * 2)


def test_every_unobserved_training_entry_is_ranked_and_missing_tags_come_first(trained):
    run, truth, given = trained
    found = suggest(run)
    blank = {(row, column) for row in range(120) for column in range(3) if given[row, column] == ""}
    places = list(zip(found.rows.tolist(), found.columns.tolist(), strict=True))
    assert set(places) == blank
    assert len(places) == len(blank)
    assert (np.diff(found.scores) <= 0).all()
    assert (found.states == -1).all()
    for column in range(3):
        own = found.of_class(column)
        assert (own.columns == column).all()
        present = sum(truth[row, column] for row in own.rows)
        assert truth[own.rows[:present], column].mean() > 0.95
    assert sum(len(found.of_class(column)) for column in range(3)) == len(found)
    assert [found.images[row] for row in found.rows[:2]] == [
        f"-{row}.jpg" for row in found.rows[:2]
    ]


def test_observed_labels_that_are_wrong_come_first_among_the_observed(trained):
    run, _, given = trained
    _, found = missing_and_wrong(run)
    assert len(found) == (given[:120] != "").sum()
    first = set(zip(found.rows[:2].tolist(), found.columns[:2].tolist(), strict=True))
    assert first == {(3, 1), (50, 2)}
    assert found.precision(2) is None  # the data knows no better


def test_wrong_tags_and_wrong_absences_are_ranked_together(largeloss, tmp_path):
    """Of a rare class a tag is wrong more often than an absence, though both are as far off."""
    stream = np.random.default_rng(0)
    (tmp_path / "data").mkdir()
    truth = (stream.random((300, 2)) < 0.1).astype(int)
    features = truth + 0.2 * stream.normal(size=(300, 2))
    given = truth.copy()
    turned = [tuple(map(int, place)) for place in np.argwhere(truth[:150] == 0)[:6]]
    for row, column in turned:
        given[row, column] = 1
    lines = ["image,split,a,b"]
    for row, states in enumerate(given.tolist()):
        split = "train" if row < 200 else "val" if row < 250 else "test"
        lines.append(f"{row}.jpg,{split},{states[0]},{states[1]}")
    (tmp_path / "data/labels.csv").write_text("\n".join(lines) + "\n")
    names = [f"{row}.jpg" for row in range(300)]
    write_features(tmp_path / "data/features.safetensors", torch.tensor(features).float(), names)
    run = tmp_path / "run"
    assert largeloss("train", tmp_path / "data", *SMALL, "--out", run)[0] == 0
    found = Run.read(run).suggestions(wrong=True)
    first = zip(found.rows[:6].tolist(), found.columns[:6].tolist(), strict=True)
    assert set(first) == set(turned)


def test_python_gives_what_the_command_writes_in_all_three_formats(trained, largeloss, tmp_path):
    run, *_ = trained
    missing, wrong = (Run.read(run).suggestions(wrong=one) for one in (False, True))
    both = [missing, wrong]
    expected = [
        {
            "image": found.images[row], "class": found.classes[column],
            "label": None if state < 0 else state, "rank": rank + 1,
            "class_rank": found.columns[:rank].tolist().count(column) + 1,
            "score": round(score, 6), "truth": None if true < 0 else true,
        }
        for found in both
        for rank, (row, column, score, state, true) in enumerate(zip(
            found.rows.tolist(), found.columns.tolist(), found.scores.tolist(),
            found.states.tolist(), found.truth.tolist(), strict=True,
        ))
    ]  # fmt: skip
    for suffix in ("csv", "parquet", "jsonl"):
        code, out, err = largeloss("suggest", run, "--wrong", "--out", tmp_path / f"s.{suffix}")
        assert code == 0, err
        assert f"{len(expected)} suggestions" in out
    lines = (tmp_path / "s.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == expected
    assert parquet.read_table(tmp_path / "s.parquet").to_pylist() == expected
    with (tmp_path / "s.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["score"] for row in rows] == [str(line["score"]) for line in expected]
    # a spreadsheet takes no name for a formula
    assert {row["image"][:2] for row in rows} == {"'-"}
    assert {row["class"] for row in rows} == {"'=cat", *CLASSES[1:]}


def test_precision_is_told_where_labels_were_hidden(largeloss, tmp_path):
    truth, _ = write_data(tmp_path / "data", hidden=0)
    observe = ("--observe", "single-positive", "--out", tmp_path / "run")
    assert largeloss("train", tmp_path / "data", *SMALL, *observe)[0] == 0
    found = suggest(tmp_path / "run")
    share = truth[found.rows[:100], found.columns[:100]].mean()
    assert found.precision(100) == pytest.approx(share)
    assert found.precision(len(found) + 1) is None
    code, out, _ = largeloss("suggest", tmp_path / "run", "--out", tmp_path / "s.csv")
    assert code == 0
    assert f"Of the first 100, {100 * share:.0f} % are missing tags indeed." in out
    assert "Of the first 500" not in out


def test_complete_labels_leave_nothing_to_suggest(largeloss, tmp_path):
    write_data(tmp_path / "data", hidden=0)
    assert largeloss("train", tmp_path / "data", *SMALL, "--out", tmp_path / "run")[0] == 0
    for suffix in ("csv", "parquet", "jsonl"):
        out = tmp_path / f"s.{suffix}"
        code, _, err = largeloss("suggest", tmp_path / "run", "--out", out)
        assert code == 0
        assert "no tag can be missing" in err
        assert out.is_file()


def test_a_resumed_run_suggests_what_the_uninterrupted_one_does(
    trained, largeloss, command, tmp_path
):
    run, *_ = trained
    resumed = tmp_path / "resumed"
    killing = (
        "import os\nfrom largeloss.training import resume_state\n"
        "save = resume_state.Checkpoint.save\n"
        "def dying(self, epoch, *rest):\n    save(self, epoch, *rest)\n"
        "    if epoch == 1: os._exit(9)\n"
        "resume_state.Checkpoint.save = dying"
    )
    options = ("train", tmp_path / "data", *SMALL, "--out", resumed)
    started = command(*options, setup=killing)
    assert started.ended()[0] == 9
    assert largeloss("train", "--resume", "--out", resumed)[0] == 0
    one, other = suggest(run), suggest(resumed)
    for name in ("rows", "columns", "scores"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize("hidden", [0, 8])
def test_out_of_fold_each_image_is_scored_by_what_was_learnt_without_it(
    largeloss, tmp_path, hidden
):
    _, given = write_data(tmp_path / "data")
    options = ("--seed", "3", "--set", f"model.hidden={hidden}", "--record", "losses")
    run = tmp_path / "run"
    assert largeloss("train", tmp_path / "data", *SMALL, *options, "--out", run)[0] == 0
    code, out, err = largeloss("suggest", run, "--folds", 4, "--out", tmp_path / "s.jsonl")
    assert code == 0, err
    assert ("fold 4 of 4" in out) == bool(hidden)
    settings = saved_settings(run)
    data = open_data(settings)
    rows = data.training.rows("train")
    fold_of = fold_numbers(len(rows), 4, 3)
    assert np.bincount(fold_of).tolist() == [30] * 4
    folders = sorted((run / "folds").glob("*"))
    assert len(folders) == (4 if hidden else 0)
    assert not [*(run / "folds").glob("*/recorded")]  # nobody would read it
    streams = torch.get_rng_state()
    changed = {folder: (folder / "result.json").stat().st_mtime_ns for folder in folders}
    expected = {}
    for fold in range(4):
        others = rows[fold_of != fold]
        source = run
        if hidden:
            part = replace(data.training, splits={**data.training.splits, "train": others})
            source = run / "folds" / part.fingerprint[:16]
            assert RunResult.read(source).num_images["train"] == 90
        network = load(source).network
        with torch.no_grad(), network.scoring():
            inputs = data.training.source.read(rows.tolist(), [False] * len(rows))
            features = network.features(inputs).double().numpy()
        tags = (data.training.labels.lookup(rows) == 1).astype(float)
        ridge = Ridge.fit(Sums.of(features[fold_of != fold], tags[fold_of != fold]))
        for place in np.flatnonzero(fold_of == fold):
            for column in range(3):
                if given[rows[place], column] == "":
                    score = ridge.scores(features[place : place + 1])[0, column]
                    expected[rows[place], column] = score
    found = Run.read(run).suggestions(folds=4)
    assert torch.equal(torch.get_rng_state(), streams)
    assert len(found) == len(expected)
    for row, column, score in zip(found.rows, found.columns, found.scores, strict=True):
        assert score == pytest.approx(expected[row, column], rel=1e-5)
    # what was trained is not trained again
    assert changed == {folder: (folder / "result.json").stat().st_mtime_ns for folder in folders}


@pytest.mark.parametrize("folds", [0, 1, 121])
def test_a_number_of_folds_that_cannot_be_is_refused(trained, largeloss, tmp_path, folds):
    run, *_ = trained
    code, _, err = largeloss("suggest", run, "--folds", folds, "--out", tmp_path / "s.csv")
    assert code == 2
    assert f"--folds must be 2 to 120, the number of training images; got {folds}." in err
    assert not (tmp_path / "s.csv").exists()


@pytest.mark.parametrize("out", ["s.txt", "nowhere/s.csv"])
def test_what_cannot_be_written_is_refused_before_anything_is_scored(largeloss, tmp_path, out):
    code, _, err = largeloss("suggest", tmp_path, "--out", tmp_path / out)
    assert code == 2
    assert "--out" in err


def test_a_folder_without_a_run_and_data_that_has_changed_are_refused(trained, largeloss, tmp_path):
    run, *_ = trained
    code, _, err = largeloss("suggest", tmp_path / "data", "--out", tmp_path / "s.csv")
    assert code == 2
    assert "no run" in err
    labels = tmp_path / "data/labels.csv"
    labels.write_text(labels.read_text().replace("dog", "wolf"))
    code, _, err = largeloss("suggest", run, "--out", tmp_path / "s.csv")
    assert code == 2
    assert "other classes" in err
    assert not (tmp_path / "s.csv").exists()


def test_ranks_within_a_class():
    assert class_ranks(np.array([2, 0, 2, 2, 0])).tolist() == [1, 1, 2, 3, 2]
    assert class_ranks(np.empty(0, np.int64)).tolist() == []


def test_labels_that_have_changed_since_the_training_are_said(
    small_run, largeloss, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(small_run, "run")
    shutil.copytree(small_run.parent / "data", "data")
    settings = (tmp_path / "run/config.yaml").read_text().splitlines()[:-1]  # no checksum
    text = "\n".join(settings).replace(str(small_run.parent / "data"), str(tmp_path / "data"))
    (tmp_path / "run/config.yaml").write_text(text + "\n")
    code, _, err = largeloss("suggest", "run", "--wrong")
    assert code == 0, err
    assert "are not those that" not in err
    lines = (tmp_path / "data/labels.csv").read_text().splitlines()
    lines[1] = lines[1].rpartition(",")[0] + ","
    (tmp_path / "data/labels.csv").write_text("\n".join(lines) + "\n")
    code, _, err = largeloss("suggest", "run", "--wrong")
    assert code == 0, err
    assert "Labels or splits of the data are not those that run was trained with" in err
