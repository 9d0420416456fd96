"""Cards of training images with flagged entries."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class FlaggedEntry:
    """An unobserved entry that was rejected or corrected."""

    name: str
    """Name of the class."""
    truth: bool | None
    """Whether the class is in the image; None where the truth is not known."""
    detail: str = ""
    """Further text, for example the loss of the entry."""
    activation_map: NDArray[np.uint8] | None = None
    """(H, W, 3): the image with the class activation map over it."""

    @property
    def verdict(self) -> Literal["missing tag", "truly absent", "unknown"]:
        """What the reference labels say about the entry."""
        if self.truth is None:
            return "unknown"
        return "missing tag" if self.truth else "truly absent"


@dataclass(frozen=True)
class Card:
    """A training image: its tags in training, its flagged entries, and the truth."""

    name: str
    image: NDArray[np.uint8]
    """(H, W) or (H, W, 3)."""
    training_tags: tuple[str, ...]
    """Classes that are present in the training labels."""
    flagged: tuple[FlaggedEntry, ...]
    truth: tuple[str, ...] | None
    """All classes that are in the image; None where the truth of some class is not known."""

    @property
    def mapped_entry(self) -> FlaggedEntry | None:
        """The first flagged entry with a class activation map."""
        return next((entry for entry in self.flagged if entry.activation_map is not None), None)


@dataclass(frozen=True)
class Cards:
    """The cards of a page, with their heading."""

    title: str
    lead: str
    action: str
    """Label of the flagged classes, for example "Rejected"."""
    cards: tuple[Card, ...]
