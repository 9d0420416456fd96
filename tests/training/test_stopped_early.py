"""Labels are estimated between epochs only where another follows, which learns them."""

from dataclasses import replace

import pytest
from test_midway import EVERY_STEP, Cut, Stop, pull_the_plug, train
from test_protocols import same, without_seconds

from largeloss.losses.curriculum import CurriculumLabeling
from largeloss.training.checkpoint_file import load_state
from largeloss.training.evaluation import Evaluators

FALLING = (50.0, 60.0, 57.5, 56.9, 90.0)
STOPPED = replace(EVERY_STEP, epochs=5, stop_below=3.0)
WHOLE = replace(EVERY_STEP, epochs=4)


@pytest.fixture
def figures(monkeypatch):
    """What val says, an epoch after the other."""
    values = list(FALLING)
    measured = Evaluators.measured

    def falling(self, model, batches):
        return measured(self, model, batches) | {"val_map": values.pop(0)}

    monkeypatch.setattr(Evaluators, "measured", falling)
    return values


@pytest.mark.parametrize("method", ["curriculum", "em-apl", "ll-cp"])
def test_a_run_that_stops_early_is_one_of_so_many_epochs(tmp_path, figures, method):
    model, criterion, outcome = train(tmp_path / "stopped", method, STOPPED, drop=0.3)
    assert outcome.stop_reason.startswith("Stopped early after epoch 3 of 0 to 4")
    figures[:] = FALLING
    whole, expected, of_all = train(tmp_path / "whole", method, WHOLE, drop=0.3)
    assert same(model.state_dict(), whole.state_dict())
    assert same(criterion.state_dict(), expected.state_dict())
    for one, other in zip(outcome.history, of_all.history, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}
    if isinstance(criterion, CurriculumLabeling):
        edits = criterion.edits.committed
        assert len(edits) > 0
        assert outcome.history[-1]["label_edits"] == outcome.history[-2]["label_edits"]
        assert edits.epochs.max() < 3  # the last epoch has learnt them all


@pytest.mark.parametrize(("epoch", "step"), [(3, 0), (3, 1)])
def test_it_goes_on_within_the_last_epoch(tmp_path, figures, epoch, step):
    train(tmp_path / "whole", "curriculum", STOPPED, drop=0.3)
    figures[:] = FALLING
    cut = Cut(epoch, step, pull_the_plug)
    with pytest.raises(Stop):
        train(tmp_path / "cut", "curriculum", STOPPED, listener=cut, drop=0.3)
    train(tmp_path / "cut", "curriculum", STOPPED, resume=True, drop=0.3)
    runs = (tmp_path / name / "last/state.pt" for name in ("whole", "cut"))
    assert same(*(without_seconds(load_state(run)) for run in runs))
