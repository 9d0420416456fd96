"""Training on another device is training on the CPU: shown on a pretended one."""

from dataclasses import replace

import pytest
import test_midway
from test_midway import EVERY_STEP, Cut, Stop, assert_same_runs, pull_the_plug, train
from torch.nn import functional as F

from largeloss.losses import LOSSES, cross_entropy
from largeloss.training import resume_state
from largeloss.training.start import start
from pretended import DEVICE, Strict, held

RECIPE = replace(EVERY_STEP, optimizer="sgd")  # fused Adam knows its devices by name


@pytest.fixture
def there(monkeypatch, pretending):
    """Puts what is trained on the device; torch itself would bring it home to save it."""
    save = resume_state.save_state
    monkeypatch.setattr(test_midway, "start", lambda: DEVICE)
    monkeypatch.setattr(resume_state, "save_state", lambda path, state: save(path, held(state)))
    return Strict(may_wait=True)


def by_torch(logits, entries, divisor):
    """What a device computes; the CPU's own way differs in the last digits."""
    targets, counted = entries
    weights = None if counted is None else counted.to(logits.dtype)
    assert divisor == logits.numel()
    return F.binary_cross_entropy_with_logits(logits, targets.to(logits.dtype), weights)


@pytest.mark.parametrize("method", LOSSES)
def test_the_same_run(tmp_path, method, there):
    with pytest.MonkeyPatch.context() as here:
        here.setattr(test_midway, "start", start)
        here.setattr(cross_entropy._HardCrossEntropy, "apply", by_torch)
        train(tmp_path / "cpu", method, RECIPE)
    with there:
        train(tmp_path / "device", method, RECIPE)
    assert_same_runs(tmp_path / "cpu", tmp_path / "device")


@pytest.mark.parametrize("method", ["ll-cp", "role", "curriculum", "imcl"])
def test_a_run_that_is_cut_off_goes_on(tmp_path, method, there):
    with there:
        train(tmp_path / "whole", method, RECIPE)
        with pytest.raises(Stop):
            train(tmp_path / "cut", method, RECIPE, listener=Cut(2, 1, pull_the_plug))
        train(tmp_path / "cut", method, RECIPE, resume=True)
    assert_same_runs(tmp_path / "whole", tmp_path / "cut")
