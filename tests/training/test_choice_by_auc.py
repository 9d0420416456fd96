"""Val without observed absences: the area under the ROC curve chooses the epoch, and says so."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from test_protocols import RECIPE, PullThePlug, Stop, same, scenes, without_seconds

from largeloss.labels import LabelTable
from largeloss.losses import AssumeNegative
from largeloss.models import build_classifier
from largeloss.training.checkpoint_file import load_state
from largeloss.training.evaluation import Evaluator, Evaluators
from largeloss.training.fit import Phase, fit
from largeloss.training.recipe import Recipe
from largeloss.training.resume_state import History
from largeloss.training.run_folder import RunFolder
from largeloss.training.start import start
from largeloss.training.weights import load_weights


def train(out, resume=False, listener=None):
    data, truth = scenes()
    known = data.observed("single-positive")
    val = Evaluator.of(known.labels, data.rows("val"))
    assert val.rule == "assume-absent"
    evaluators = Evaluators(val, Evaluator.of(truth, data.rows("test")), True)
    torch.manual_seed(0)
    model, run = build_classifier("digits", 4, (3, 16, 16)), RunFolder(out)
    recipe = replace(RECIPE, epochs=5)
    config = {"classes": list(truth.classes)}
    with run:
        phase = Phase(model, AssumeNegative(), known, evaluators, recipe, run, config)
        return fit(phase, start(), resume=resume, listener=listener)


def test_a_run_is_chosen_by_the_area_and_goes_on_bit_for_bit(tmp_path):
    outcome = train(tmp_path / "whole")
    areas = [record["val_auc"] for record in outcome.history]
    assert outcome.best_epoch == int(np.argmax(areas))
    assert outcome.best_val_auc == max(areas)
    assert outcome.best_val_map == outcome.history[outcome.best_epoch]["val_map"]
    with (tmp_path / "whole/metrics.csv").open(newline="") as file:
        assert [float(record["val_auc"]) for record in csv.DictReader(file)] == areas
    with pytest.raises(Stop):
        train(tmp_path / "cut", listener=PullThePlug(2))
    again = train(tmp_path / "cut", resume=True)
    assert again.best_val_auc == outcome.best_val_auc
    states = [load_state(tmp_path / run / "last/state.pt") for run in ("whole", "cut")]
    assert same(*map(without_seconds, states))
    assert same(*(load_weights(tmp_path / run / "best") for run in ("whole", "cut")))


def test_the_area_is_the_mean_over_classes_that_can_be_measured():
    states = np.array([[1, -1, -1], [-1, 1, -1], [1, -1, -1], [-1, -1, -1]])
    table, scores = LabelTable.from_dense(states), np.random.default_rng(0).normal(size=(4, 3))
    own = [roc_auc_score(states[:, column] == 1, scores[:, column]) for column in (0, 1)]
    evaluator = Evaluator.of(table, np.arange(4))
    assert evaluator.area(scores) == pytest.approx(100 * np.mean(own), abs=1e-10)


@pytest.mark.parametrize("states", [[[-1, -1], [-1, -1]], [[1, 1], [1, 1]], [[1, 0], [0, -1]]])
def test_where_another_rule_or_nothing_decides_there_is_no_area(states):
    table = LabelTable.from_dense(np.array(states))
    assert Evaluator.of(table, np.arange(2)).area(np.eye(2)) is None


def record(epoch, val_map, **more):
    return {"epoch": epoch, "train_loss": 0.0, "val_map": val_map, **more}


def test_early_stopping_looks_at_the_area():
    history, recipe = History(), Recipe(epochs=9, stop_below=3.0)
    for epoch, (val_map, area) in enumerate([(30.0, 70.0), (9.0, 72.0), (40.0, 69.5)]):
        assert not history.stops_early(recipe)
        history.add(record(epoch, val_map, val_auc=area), keep_last=False)
    assert (history.best_epoch, history.best_val_map, history.best_val_auc) == (1, 9.0, 72.0)
    history.add(record(3, 50.0, val_auc=68.9), keep_last=False)
    assert history.stops_early(recipe)
    assert "val AUC 68.9 is more than 3 points" in history.stop_reason(recipe)
    assert "below its best, 72.0 after epoch 1" in history.stop_reason(recipe)


def test_a_run_begun_without_areas_goes_on_by_map(tmp_path):
    history = History()
    history.add(record(0, 30.0), keep_last=False)
    history.add(record(1, 20.0, val_auc=99.0), keep_last=False)
    assert (history.best_epoch, history.best_val_auc) == (0, None)
    folder = RunFolder(tmp_path / "run")
    with folder:
        folder.write_metrics(history.epochs)
    assert folder.metrics_file.read_text().splitlines()[0] == "epoch,train_loss,val_map"
