"""Run folders to be followed; nothing is trained for them."""

import shutil
from pathlib import Path

from largeloss.config import RunConfig
from largeloss.runs.settings import saved_settings
from largeloss.training.listener import Listener


class Noting(Listener):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.remarks: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)

    def remark(self, text: str) -> None:
        self.remarks.append(text)


def copied(run: Path, folder: Path) -> Path:
    """A copy of a finished run."""
    return Path(shutil.copytree(run, folder / "followed"))


def trained_to(run: Path, epochs: int) -> None:
    """Gives a run so many epochs, as if training had come so far."""
    head, first, *_ = (run / "metrics.csv").read_text().splitlines()
    lines = [f"{epoch},{first.partition(',')[2]}" for epoch in range(epochs)]
    (run / "metrics.csv").write_text("\n".join([head, *lines]) + "\n")


def asking(run: Path, *names: str) -> RunConfig:
    """The settings of a run, with trackers."""
    return saved_settings(run).with_values(training={"track": list(names)})
