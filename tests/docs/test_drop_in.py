"""Examples of docs/guides/drop-in.md for training loops that are not installed with largeloss."""

from pathlib import Path
from typing import Any

import pytest
import torch
from blocks import ROOT, blocks
from not_run import HEAVY, heavy_packages
from test_documentation import run_python

from largeloss.losses import LargeLossPermanentCorrection


@pytest.mark.parametrize("package", HEAVY)
def test_the_loss_in_a_loop_of(package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    page = ROOT / "docs/guides/drop-in.md"
    (block,) = (b for b in blocks(page) if heavy_packages(b) == [package])
    names = run_python(block)
    loss = names["tagger"].loss if package == "lightning" else names["loss"]
    assert loss.epoch == 3
    edits = loss.edits.state()
    assert set(edits["committed.epochs"].tolist()) == {1, 2}
    assert not len(edits["proposed.rows"])
    again = LargeLossPermanentCorrection(delta_rel=5)
    again.load_state_dict(saved_state(package, tmp_path))
    assert again.epoch == 3
    for name, values in again.edits.state().items():
        assert torch.equal(values, edits[name]), name


def saved_state(package: str, folder: Path) -> dict[str, Any]:
    """Of the loss, as the last checkpoint holds it."""
    if package == "transformers":
        return torch.load(folder / "trainer/checkpoint-6/loss.pt", weights_only=True)
    (path,) = folder.rglob("*.ckpt")
    state = torch.load(path, weights_only=True)["state_dict"]
    return {name.removeprefix("loss."): state[name] for name in state if name.startswith("loss.")}
