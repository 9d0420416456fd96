"""A run with Δ auto that is cut off, while it counts or after, goes on bit for bit."""

import pytest
from test_midway import Cut, assert_same_runs, pull_the_plug, train
from test_protocols import ARGUMENTS, Stop, same

from largeloss.losses import PartialLabelLoss


class Told(Cut):
    """Keeps the remarks."""

    def remark(self, text):
        self.remarks = [*getattr(self, "remarks", []), text]


@pytest.mark.parametrize(
    ("method", "epoch", "step"), [("ll-r", 1, 1), ("ll-r", 3, 0), ("ll-cp", 1, 1)]
)
def test_auto_delta_goes_on_within_an_epoch(tmp_path, monkeypatch, method, epoch, step):
    monkeypatch.setitem(ARGUMENTS, method, {"delta_rel": "auto"})
    told = Told(9, 9, pull_the_plug)
    _, criterion, _ = train(tmp_path / "whole", method, listener=told)
    assert isinstance(criterion, PartialLabelLoss)
    found = criterion.finding()
    assert found is not None
    assert told.remarks == [found.text]
    with pytest.raises(Stop):
        train(tmp_path / "cut", method, listener=Told(epoch, step, pull_the_plug))
    _, again, _ = train(tmp_path / "cut", method, resume=True)
    assert isinstance(again, PartialLabelLoss)
    assert same(criterion.state_dict(), again.state_dict())
    assert again.finding() == found
    assert_same_runs(tmp_path / "whole", tmp_path / "cut")
