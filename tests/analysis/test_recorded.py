"""Recorded losses equal those of the steps, in every file."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from largeloss.analysis.recorded import RecordedLosses, kinds
from largeloss.data.inputs.loader import Batch
from largeloss.errors import ConfigError, RunError
from largeloss.training.engine import Step
from largeloss.training.recording import Recorder

ROWS = np.array([2, 3, 5, 8, 9])


def record(folder, num_epochs=2, seed=0):
    """Two steps per epoch; returns what was shown, by epoch: row -> (losses, step, flagged)."""
    stream = np.random.default_rng(seed)
    recorder, shown = Recorder(folder / "recorded", ROWS, 3), []
    for epoch in range(num_epochs):
        recorder.begin(epoch)
        seen = {}
        order = stream.permutation(ROWS)
        for number, rows in enumerate((order[:3], order[3:])):
            logits = torch.from_numpy(stream.normal(0, 3, (len(rows), 3)))
            labels = torch.from_numpy(stream.integers(-1, 2, (len(rows), 3)).astype(np.int8))
            flagged = torch.from_numpy(stream.random((len(rows), 3)) < 0.3)
            batch = Batch(torch.zeros(len(rows), 1), labels, torch.from_numpy(rows))
            recorder.add(Step(torch.zeros(()), logits, batch), flagged if epoch else None)
            for position, row in enumerate(rows):
                losses = [
                    F.softplus(-x if y == 1 else x).item()
                    for x, y in zip(logits[position], labels[position], strict=True)
                ]
                found = {c for c in range(3) if epoch and flagged[position, c]}
                seen[int(row)] = (losses, number, found)
        recorder.end()
        shown.append(seen)
    return shown


def test_what_is_read_is_what_was_shown(tmp_path):
    shown = record(tmp_path)
    recorded = RecordedLosses.read(tmp_path)
    assert recorded.rows.tolist() == ROWS.tolist()
    assert recorded.num_epochs == 2
    for epoch, seen in enumerate(shown):
        losses, steps = recorded.losses(epoch), recorded.steps(epoch)
        pairs = {tuple(pair) for pair in recorded.flagged(epoch).tolist()}
        for position, row in enumerate(ROWS.tolist()):
            expected, number, flagged = seen[row]
            np.testing.assert_allclose(losses[position], expected, rtol=1e-3, atol=1e-6)
            assert steps[position] == number
            assert {c for p, c in pairs if p == position} == flagged
    parts = list(recorded.chunks())
    assert sum(values.shape[1] for _, values in parts) == len(ROWS)


def test_an_epoch_that_was_cut_off_does_not_count(tmp_path):
    record(tmp_path, 1)
    recorder = Recorder(tmp_path / "recorded", ROWS, 3)
    recorder.begin(1)
    assert RecordedLosses.read(tmp_path).num_epochs == 1
    recorder.begin(1)  # resumed
    recorder.end()
    assert RecordedLosses.read(tmp_path).num_epochs == 2
    assert np.isnan(RecordedLosses.read(tmp_path).losses(1)).all()
    assert not [path for path in (tmp_path / "recorded").iterdir() if "partial" in path.name]


def test_a_run_that_was_not_recorded(tmp_path):
    with pytest.raises(ConfigError, match=r"has no recorded losses.*--record losses"):
        RecordedLosses.read(tmp_path)


def test_damaged_files(tmp_path):
    record(tmp_path)
    file = tmp_path / "recorded/losses-001.npy"
    file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(RunError, match=r"losses-001\.npy cannot be read"):
        RecordedLosses.read(tmp_path)
    np.save(file, np.zeros((2, 2), dtype=np.float16))
    with pytest.raises(RunError, match=r"has the shape \(2, 2\), but 5 images were recorded"):
        RecordedLosses.read(tmp_path)


def test_kinds():
    known = np.array([[1, -1, -1, -1, 0]])
    truth = np.array([[1, 0, 1, -1, 0]])
    assert kinds(known, truth).tolist() == [[0, 1, 2, -1, -1]]
