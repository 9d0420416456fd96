"""Run folders to be followed; nothing is trained for them."""

import shutil
from pathlib import Path

import pytest

from largeloss.config import RunConfig
from largeloss.errors import Interrupted
from largeloss.runs.settings import saved_settings
from largeloss.runs.tracking import tracked
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


def interrupted(run: Path, name: str, listener: Listener, group: str, epochs: int) -> None:
    """A tracker follows a run, which is interrupted before it is told of the last of ``epochs``."""

    def train() -> None:
        with tracked(asking(run, name), run, listener, group) as told:
            told.begin()
            trained_to(run, epochs)
            raise Interrupted(2)

    with pytest.raises(Interrupted):
        train()
