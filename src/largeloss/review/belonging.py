"""To what the answers of a review belong: the weights of a run, its images and its classes."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from largeloss.files import digest
from largeloss.labels.answers import ANSWERS
from largeloss.labels.journal import Journal
from largeloss.training.run_folder import WEIGHTS, RunFolder


def open_journal(run: Path) -> Journal:
    """The journal of a finished run, wherever its data lie; made where it is missing.

    Raises:
        ConfigError: it belongs to another run, or cannot be written.
        LabelError: it is damaged, or no journal.
    """
    folder = RunFolder(run)
    # earlier versions wrote the settings, which change when the data are moved
    former = {"settings": digest(folder.config_file)}
    return Journal(run / ANSWERS, {"weights": digest(folder.best / WEIGHTS)}, former)


def identity_of(run: Path, images: Sequence[str], classes: Sequence[str]) -> str:
    """What the numbers of rows and columns mean in a page, in sixteen digits.

    A page that was opened for another run, or for other images, has another one.
    """
    found = hashlib.sha256(digest(RunFolder(run).best / WEIGHTS).encode())
    for name in (*images, "", *classes):
        found.update(name.encode("utf-8", "surrogateescape") + b"\0")
    return found.hexdigest()[:16]
