"""Val without observed absences: the log rank chooses the epoch, and says so."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch
from test_protocols import RECIPE, PullThePlug, Stop, same, scenes, without_seconds

from largeloss.labels import LabelTable
from largeloss.losses import AssumeNegative
from largeloss.metrics import log_rank
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


def test_a_run_is_chosen_by_the_log_rank_and_goes_on_bit_for_bit(tmp_path):
    outcome = train(tmp_path / "whole")
    ranked = [record["val_log_rank"] for record in outcome.history]
    assert outcome.best_epoch == int(np.argmax(ranked))
    assert outcome.best_val_log_rank == max(ranked)
    assert outcome.best_val_map == outcome.history[outcome.best_epoch]["val_map"]
    with (tmp_path / "whole/metrics.csv").open(newline="") as file:
        assert [float(record["val_log_rank"]) for record in csv.DictReader(file)] == ranked
    with pytest.raises(Stop):
        train(tmp_path / "cut", listener=PullThePlug(2))
    again = train(tmp_path / "cut", resume=True)
    assert again.best_val_log_rank == outcome.best_val_log_rank
    states = [load_state(tmp_path / run / "last/state.pt") for run in ("whole", "cut")]
    assert same(*map(without_seconds, states))
    assert same(*(load_weights(tmp_path / run / "best") for run in ("whole", "cut")))


def test_it_is_the_mean_over_classes_that_can_be_measured():
    states = np.array([[1, -1, -1], [-1, 1, -1], [1, -1, -1], [-1, -1, -1]])
    table, scores = LabelTable.from_dense(states), np.random.default_rng(0).normal(size=(4, 3))
    own = log_rank(scores, np.maximum(states, 0))[:2]
    evaluator = Evaluator.of(table, np.arange(4))
    assert evaluator.log_rank(scores) == pytest.approx(100 * np.mean(own), abs=1e-10)


@pytest.mark.parametrize("states", [[[-1, -1], [-1, -1]], [[1, 1], [1, 1]], [[1, 0], [0, -1]]])
def test_where_another_rule_or_nothing_decides_there_is_none(states):
    table = LabelTable.from_dense(np.array(states))
    assert Evaluator.of(table, np.arange(2)).log_rank(np.eye(2)) is None


def record(epoch, val_map, **more):
    return {"epoch": epoch, "train_loss": 0.0, "val_map": val_map, **more}


def test_early_stopping_looks_at_it():
    history, recipe = History(), Recipe(epochs=9, stop_below=3.0)
    for epoch, (val_map, ranked) in enumerate([(30.0, 70.0), (9.0, 72.0), (40.0, 69.5)]):
        assert not history.stops_early(recipe)
        history.add(record(epoch, val_map, val_log_rank=ranked), keep_last=False)
    assert (history.best_epoch, history.best_val_map, history.best_val_log_rank) == (1, 9.0, 72.0)
    history.add(record(3, 50.0, val_log_rank=68.9), keep_last=False)
    assert history.stops_early(recipe)
    assert "val log rank 68.9 is more than 3 points" in history.stop_reason(recipe)
    assert "below its best, 72.0 after epoch 1" in history.stop_reason(recipe)


def test_a_run_begun_without_it_goes_on_by_map(tmp_path):
    history = History()
    history.add(record(0, 30.0), keep_last=False)
    history.add(record(1, 20.0, val_log_rank=99.0), keep_last=False)
    assert (history.best_epoch, history.best_val_log_rank) == (0, None)
    folder = RunFolder(tmp_path / "run")
    with folder:
        folder.write_metrics(history.epochs)
    assert folder.metrics_file.read_text().splitlines()[0] == "epoch,train_loss,val_map"
