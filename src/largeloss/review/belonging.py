"""To what the answers of a review belong: the weights of a run, its images and its classes."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from largeloss.files import digest
from largeloss.labels.answers import ANSWERS
from largeloss.labels.journal import Journal
from largeloss.training.run_folder import WEIGHTS, RunFolder


def open_journal(run: Path, weights: str) -> Journal:
    """The journal of a finished run with these ``weights``, wherever its data lie; made where it is
    missing.

    Raises:
        ConfigError: it belongs to another run, or cannot be written.
        LabelError: it is damaged, or no journal.
    """
    # earlier versions wrote the settings, which change when the data are moved
    former = {"settings": digest(RunFolder(run).config_file)}
    return Journal(run / ANSWERS, {"weights": weights}, former)


def weights_of(run: Path) -> str:
    """SHA-256 of the best weights of a run."""
    return digest(RunFolder(run).best / WEIGHTS)


def identity_of(weights: str, images: Sequence[str], classes: Sequence[str]) -> str:
    """What the numbers of rows and columns mean in a page, in sixteen digits.

    A page that was opened for another run, or for other images, has another one.
    """
    found = hashlib.sha256(weights.encode())
    for name in (*images, "", *classes):
        found.update(name.encode("utf-8", "surrogateescape") + b"\0")
    return found.hexdigest()[:16]
