"""A new method is one class and one entry in ``LOSSES``: commands and reports then know it."""

from typing import Annotated

import pytest
import yaml
from torch import Tensor

from largeloss.cli import run
from largeloss.losses import LOSSES, Action, Decision, PartialLabelLoss
from largeloss.losses.functional import present, unobserved
from largeloss.losses.settings import Range

SMALL = (
    "--backbone", "digits", "--image-size", "16", "--epochs", "2", "--batch-size", "6", "--workers",
    "0", "--observe", "single-positive",
)  # fmt: skip


class Discount(PartialLabelLoss):
    """Target 0 on unobserved entries, with a discounted weight. A toy.

    Args:
        discount: Weight of an unobserved entry, in [0, 1].
    """

    name = "discount"
    title = "Discounted AN"
    paper = "Nobody et al., CVPR 2099"
    action = Action("Discounted", "It weighs less.", "unobserved")

    def __init__(self, discount: Annotated[float, Range(0, 1)] = 0.5) -> None:
        super().__init__()
        self.discount = discount

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        blank = unobserved(labels)
        weights = logits.new_ones(labels.shape).masked_fill_(blank, self.discount)
        return Decision(present(labels), weights)

    def flagged(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Tensor:
        return unobserved(labels)


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    monkeypatch.setitem(LOSSES, Discount.name, Discount)


def losses_of(folder):
    lines = (folder / "metrics.csv").read_text().splitlines()
    column = lines[0].split(",").index("train_loss")
    return [float(line.split(",")[column]) for line in lines[1:]]


def test_it_is_listed(capsys):
    assert run(["methods"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    for text in ("discount", "Discounted AN", "discount=0.5"):
        assert text in out


def test_it_is_trained_with_its_setting_and_reported(image_folder, tmp_path):
    for value in (0.25, 0.75):
        out = tmp_path / str(value)
        arguments = ["train", str(image_folder), "--method", "discount", *SMALL, "--out", str(out)]
        assert run([*arguments, "--set", f"method.discount={value}", "--record", "losses"]) == 0
        assert yaml.safe_load((out / "config.yaml").read_text())["method"]["discount"] == value
        report = (out / "report.html").read_text()
        assert "Discounted AN" in report
        assert "It weighs less." in report
    # Half of the entries are unobserved, so that their weight shows in the loss.
    assert losses_of(tmp_path / "0.25")[0] < losses_of(tmp_path / "0.75")[0]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("discont=0.3", "discont is no setting of discount, which has discount. Did you mean 'dis"),
        ("discount=half", "discount of discount must be a number from 0 to 1, got 'half'"),
        ("discount=2", "discount of discount must be a number from 0 to 1, got 2"),
    ],
)
def test_wrong_settings_are_refused(image_folder, tmp_path, capsys, setting, message):
    arguments = ["train", str(image_folder), "--method", "discount", *SMALL]
    out = tmp_path / "run"
    assert run([*arguments, "--out", str(out), "--set", f"method.{setting}"]) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert not out.exists()


def test_it_is_compared(image_folder, tmp_path, capsys):
    out = tmp_path / "comparison"
    arguments = ["compare", str(image_folder), "--methods", "an,discount", *SMALL]
    assert run([*arguments, "--set", "method.discount=0.3", "--out", str(out)]) == 0
    assert "Discounted AN" in capsys.readouterr().out
    assert "| Discounted AN |" in (out / "table.md").read_text()
    assert "Discounted AN" in (out / "report.html").read_text()
    (folder,) = out.glob("discount-seed0")
    assert yaml.safe_load((folder / "config.yaml").read_text())["method"]["discount"] == 0.3
    (folder,) = out.glob("an-seed0")
    assert "discount" not in yaml.safe_load((folder / "config.yaml").read_text())["method"]


def test_a_comparison_refuses_a_setting_of_no_method(image_folder, tmp_path, capsys):
    arguments = ["compare", str(image_folder), "--methods", "an,discount", *SMALL]
    assert run([*arguments, "--set", "method.discont=0.3", "--out", str(tmp_path / "c")]) == 2
    assert "did you mean 'discount'?" in " ".join(capsys.readouterr().err.split())
