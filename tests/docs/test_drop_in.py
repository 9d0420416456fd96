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
    names = names_of(package, tmp_path, monkeypatch)
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


def names_of(package: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the page's block of the package defines; it is run in ``folder``."""
    pytest.importorskip(package)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (block,) = (b for b in blocks(PAGE) if heavy_packages(b) == [package])
    return run_python(block)


class Watched(LargeLossPermanentCorrection):
    """Notes the epoch of each batch that is trained on."""

    def __init__(self, delta_rel: float) -> None:
        super().__init__(delta_rel)
        self.trained: list[int] = []

    def forward(self, logits: torch.Tensor, *given: Any) -> torch.Tensor:
        if self.learns_from(logits):
            self.trained.append(self.current_epoch())
        return super().forward(logits, *given)


def test_lightning_goes_on_from_the_last_step_of_an_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = names_of("lightning", tmp_path, monkeypatch)
    lightning = names["lightning"]

    def fitted(**where: Any) -> Any:
        torch.manual_seed(1)
        tagger = names["Tagger"](torch.nn.Linear(3, 5), Watched(delta_rel=5))
        steps = lightning.pytorch.callbacks.ModelCheckpoint(
            "steps", filename="{step}", every_n_train_steps=1, save_top_k=-1
        )
        trainer = lightning.Trainer(
            max_epochs=3, accelerator="cpu", logger=False, enable_progress_bar=False,
            enable_model_summary=False, callbacks=[steps],
        )  # fmt: skip
        data = names["IndexedDataset"](names["dataset"])
        trainer.fit(tagger, names["DataLoader"](data, batch_size=4), **where)
        return tagger

    whole = fitted()
    assert whole.loss.trained == [0, 0, 1, 1, 2, 2]
    again = fitted(ckpt_path="steps/step=4.ckpt")
    assert again.loss.trained == [2, 2]
    assert torch.equal(again.network.weight, whole.network.weight)
    assert again.loss.edits.committed.rows.tolist() == whole.loss.edits.committed.rows.tolist()


def test_transformers_goes_on_within_an_epoch_and_averages_accumulated_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = names_of("transformers", tmp_path, monkeypatch)
    transformers = names["transformers"]

    def trained(checkpoint: str | None = None, **settings: Any) -> tuple[Watched, Any]:
        arguments = transformers.TrainingArguments(
            output_dir="again", num_train_epochs=3, use_cpu=True, report_to="none",
            remove_unused_columns=False, save_strategy="steps", save_steps=1, logging_steps=1,
            **settings,
        )  # fmt: skip
        loss = Watched(delta_rel=5)
        if checkpoint:
            loss.load_state_dict(torch.load(f"{checkpoint}/loss.pt", weights_only=True))
        torch.manual_seed(1)
        trainer = names["PartialLabelTrainer"](
            transformers.ResNetForImageClassification(names["config"]), arguments, loss=loss,
            train_dataset=names["IndexedDataset"](names["images"]),
        )  # fmt: skip
        trainer.train(resume_from_checkpoint=checkpoint)
        return loss, trainer.state.log_history

    whole, log = trained(per_device_train_batch_size=2)  # four steps an epoch
    assert whole.trained == [0] * 4 + [1] * 4 + [2] * 4
    again, _ = trained("again/checkpoint-7", per_device_train_batch_size=2)  # of epoch 1, which is
    assert again.trained == [1] + [2] * 4  # resumed after three quarters
    _, accumulated = trained(per_device_train_batch_size=2, gradient_accumulation_steps=4)
    first = next(entry["loss"] for entry in log if "loss" in entry)
    assert accumulated[0]["loss"] < 2 * first  # and not four times as large


def saved_state(package: str, folder: Path) -> dict[str, Any]:
    """Of the loss, as the last checkpoint holds it."""
    if package == "transformers":
        return torch.load(folder / "trainer/checkpoint-6/loss.pt", weights_only=True)
    (path,) = folder.rglob("*.ckpt")
    state = torch.load(path, weights_only=True)["state_dict"]
    return {name.removeprefix("loss."): state[name] for name in state if name.startswith("loss.")}
