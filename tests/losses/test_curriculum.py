"""Curriculum labelling: its loss against loops, and what each rule accepts."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from loss_oracles import assert_equal, batches, quick, run, sigmoid, weighted_mean

from largeloss.errors import CheckpointError, ConfigError, ScheduleError
from largeloss.labels import LabelTable
from largeloss.losses import CurriculumLabeling
from largeloss.losses.curriculum_rules import RULES


def oracle(logits, labels):
    """Partial cross-entropy with the published g."""
    weights = []
    for row in labels:
        share = sum(y != -1 for y in row) / len(row)
        weights.append([(-4.45 * share + 5.45) * (y != -1) for y in row])
    return weighted_mean(logits, [[int(y == 1) for y in row] for row in labels], weights)


def edited(labels, loss, rows):
    return loss.edits.applied_to(labels, rows).tolist()


@quick
@given(batches())
def test_equals_the_loop(batch: tuple[list, list]):
    loss = CurriculumLabeling()
    loss.set_epoch(0)
    assert_equal(run(loss, *batch, torch.arange(len(batch[0]))), oracle(*batch))


@quick
@given(batches())
def test_equals_the_loop_on_what_was_accepted(batch: tuple[list, list]):
    logits, labels = batch
    loss = CurriculumLabeling(limit=0.6)
    loss.set_epoch(0)
    rows = torch.arange(len(labels))
    loss.relabel(torch.tensor([logits], dtype=torch.float64), torch.tensor(labels), rows)
    loss.set_epoch(1)
    known = [
        [accept_by_threshold([x], 0.6) if y == -1 else y for x, y in zip(*pair, strict=True)]
        for pair in zip(logits, labels, strict=True)
    ]
    assert edited(torch.tensor(labels), loss, rows) == known
    assert_equal(run(loss, *batch, rows), oracle(logits, known))


def accept_by_threshold(column, limit):
    mean = sum(map(sigmoid, column)) / len(column)
    return 1 if mean >= limit else 0 if mean <= 1 - limit else -1


def accept_positive(column, limit):
    return 1 if sum(map(sigmoid, column)) / len(column) >= limit else -1


def accept_by_certainty(column, limit):
    values = [sigmoid(x) for x in column]
    mean = sum(values) / len(values)
    spread = (sum((v - mean) ** 2 for v in values) / len(values)) ** 0.5
    return int(mean > 0.5) if spread <= limit else -1


@pytest.mark.parametrize(
    ("rule", "limit", "accept"),
    [
        ("threshold", 0.7, accept_by_threshold),
        ("positives", 0.7, accept_positive),
        ("positives", 0.4, accept_positive),
        ("threshold", 0.5, accept_by_threshold),
        ("ensemble", 0.7, accept_by_threshold),
        ("uncertainty", 0.13, accept_by_certainty),
    ],
)
@quick
@given(st.integers(0, 10_000))
def test_rules_equal_the_loop(rule, limit, accept, seed):
    stream = np.random.default_rng(seed)
    passes = 4 if RULES[rule].stochastic else 1
    logits = stream.normal(0, 2, (passes, 5, 3))
    labels = torch.from_numpy(stream.integers(-1, 2, (5, 3)).astype(np.int8))
    loss = CurriculumLabeling(rule, limit)
    loss.set_epoch(1)
    rows = torch.arange(5) + 20
    loss.relabel(torch.from_numpy(logits), labels, rows)
    loss.set_epoch(2)
    got = edited(labels, loss, rows)
    for b in range(5):
        for c in range(3):
            y = int(labels[b, c])
            assert got[b][c] == (accept(logits[:, b, c], limit) if y == -1 else y)


def test_the_share_takes_the_most_certain():
    logits = torch.tensor([[[4.0, -1.0, 0.1, 2.0], [-5.0, 0.3, 6.0, -0.2]]])
    labels = torch.tensor([[-1, -1, -1, -1], [-1, -1, 0, -1]])
    loss = CurriculumLabeling("share", 0.4)  # of 7 candidates: 3
    loss.set_epoch(1)
    loss.relabel(logits, labels, torch.arange(2))
    loss.set_epoch(2)
    assert edited(labels, loss, torch.arange(2)) == [[1, -1, -1, 1], [0, -1, 0, -1]]


def test_labels_are_estimated_anew_each_time():
    loss, labels, rows = CurriculumLabeling(), torch.tensor([[-1, -1, 1]]), torch.tensor([0])
    loss.set_epoch(0)
    for epoch, logits, expected in (
        (1, [[9.0, 0.0, -9.0]], [[1, -1, 1]]),
        (2, [[0.0, -9.0, 0.0]], [[-1, 0, 1]]),
        (3, [[0.0, 0.0, 0.0]], [[-1, -1, 1]]),
    ):
        loss.relabel(torch.tensor([logits]), labels, rows)
        loss.set_epoch(epoch)
        assert edited(labels, loss, rows) == expected


def test_what_was_accepted_stays_where_nothing_is_scored():
    loss, labels, rows = CurriculumLabeling(), torch.tensor([[-1, -1]]), torch.tensor([0])
    loss.set_epoch(0)
    loss.relabel(torch.tensor([[[9.0, -9.0]]]), labels, rows)
    for epoch in (1, 2, 3):
        loss.set_epoch(epoch)
        assert edited(labels, loss, rows) == [[1, 0]]


def test_how_often_it_wants_to_see_the_images():
    assert [CurriculumLabeling().passes(epoch) for epoch in range(3)] == [0, 1, 1]
    patient = CurriculumLabeling("ensemble", num_passes=7, warmup_epochs=2)
    assert [patient.passes(epoch) for epoch in range(4)] == [0, 0, 7, 7]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rule": "best"}, "rule must be one of threshold, share, positives, ensemble, uncertain"),
        ({"limit": 0.4}, "limit of the rule 'threshold' must be from 0.5 to 1, got 0.4"),
        ({"rule": "uncertainty", "limit": 0.6}, "at most 0.5"),
        ({"limit": float("nan")}, "limit"),
        ({"num_passes": 1}, "num_passes of curriculum must be a whole number from 2 on"),
        ({"warmup_epochs": 0}, "warmup_epochs of curriculum must be a whole number from 1 on"),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(ConfigError, match=message):
        CurriculumLabeling(**settings)


@pytest.mark.parametrize(
    ("settings", "fits"),
    [({}, False), ({"rule": "share", "limit": 0.9}, False), ({"rule": "uncertainty"}, False),
     ({"rule": "share", "limit": 0.5}, True), ({"rule": "positives"}, True)],
)  # fmt: skip
def test_labels_that_may_not_fit_are_refused_before_training(settings, fits, monkeypatch):
    """500 entries at 100 bytes, and 40,000 bytes are free."""
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=40_000))
    table, rows = LabelTable.from_dense(np.full((200, 5), -1)), np.arange(100)
    if fits:
        assert CurriculumLabeling.arguments(table, rows, settings) == (settings, [])
    else:
        with pytest.raises(ConfigError, match=r"100 images × 5 classes.* or rule=positives"):
            CurriculumLabeling.arguments(table, rows, settings)


def test_relabelling_needs_the_epoch():
    with pytest.raises(ScheduleError, match="set_epoch"):
        CurriculumLabeling().relabel(torch.zeros(1, 1, 1), torch.tensor([[-1]]), torch.tensor([0]))


def test_the_state_of_another_method():
    with pytest.raises(CheckpointError, match="no label edits"):
        CurriculumLabeling().load_state_dict({"_extra_state": {"epoch": 1}})


def test_an_empty_relabelling_survives_a_restart():
    first, labels, rows = CurriculumLabeling(), torch.tensor([[-1]]), torch.tensor([0])
    first.set_epoch(0)
    first.relabel(torch.tensor([[[9.0]]]), labels, rows)
    first.set_epoch(1)
    first.relabel(torch.tensor([[[0.0]]]), labels, rows)
    second = CurriculumLabeling()
    second.load_state_dict(first.state_dict())
    second.set_epoch(2)
    assert edited(labels, second, rows) == [[-1]]
