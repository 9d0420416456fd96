"""docs/guides/drop-in.md: what methods need in a loop, and loops that are not installed here."""

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from blocks import ROOT, blocks
from not_run import HEAVY, heavy_packages
from test_documentation import run_python

from largeloss.losses import LOSSES, LargeLossPermanentCorrection, PartialAsymmetric

PAGE = ROOT / "docs/guides/drop-in.md"


def test_the_table_says_what_each_method_needs() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("## What each method needs")[2]
    rows = re.findall(r"^\| (.+) \| (`.+) \|$", table.partition("\n## ")[0], re.MULTILINE)
    said = {name: gives for gives, names in rows for name in re.findall(r"`([a-z-]+)`", names)}
    assert said.keys() == LOSSES.keys()
    for name, gives in said.items():
        method = LOSSES[name]
        words = set(re.findall(r"`(\w+)`", gives)) - {"expected_positives"}
        assert words == method.needs, name
        given = inspect.signature(method).parameters.values()
        required = {parameter.name for parameter in given if parameter.default is parameter.empty}
        assert ("expected_positives" in gives) == ("expected_positives" in required), name
        assert ("training labels" in gives) == ("labels" in required), name
        learns = "predictions between epochs" in gives
        if not required:  # EPR and ROLE, which ask for no predictions
            assert learns == (method().passes(epoch=100) > 0), name
    assert "`p-asl (selective=True)`" in table
    assert PartialAsymmetric(selective=True).passes(epoch=1) == 1


@pytest.mark.parametrize("package", HEAVY)
def test_the_loss_in_a_loop_of(package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (block,) = (b for b in blocks(PAGE) if heavy_packages(b) == [package])
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
