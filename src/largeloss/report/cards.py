"""Training images whose tags were flagged."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

DOINGS = {
    "ll-r": ("Rejected", "LL-R leaves the class out of the image’s loss instead of learning "
             "that it is absent."),
    "ll-ct": ("Corrected", "LL-Ct takes the class for present in that step."),
    "ll-cp": ("Corrected", "LL-Cp takes the class for present from then on."),
    "curriculum": ("Labelled", "Curriculum labelling takes the class for present, as long as the "
                   "model is sure of it."),
}  # fmt: skip
"""Method → what it does with flagged entries, as a word and as a sentence."""


@dataclass(frozen=True)
class FlaggedEntry:
    """A blank entry that was flagged."""

    name: str
    """The class."""
    truth: bool | None
    """Whether the class is in the image; None where nobody knows."""
    detail: str = ""
    """For example its loss."""
    looked_at: NDArray[np.uint8] | None = None
    """(H, W, 3): the image with the map of where the model looks for the class."""

    @property
    def verdict(self) -> Literal["rightly", "wrongly", "unknown"]:
        """Rightly where the tag was missing."""
        return "unknown" if self.truth is None else "rightly" if self.truth else "wrongly"


@dataclass(frozen=True)
class Card:
    """A training image: what its labels said, what was flagged, and the truth."""

    name: str
    image: NDArray[np.uint8]
    """(H, W) or (H, W, 3)."""
    given: tuple[str, ...]
    """Tags that the training saw."""
    flagged: tuple[FlaggedEntry, ...]
    truth: tuple[str, ...] | None
    """All classes in the image; None where nobody knows."""

    @property
    def looked(self) -> FlaggedEntry | None:
        """The first flagged entry with a map of where the model looks."""
        return next((entry for entry in self.flagged if entry.looked_at is not None), None)


@dataclass(frozen=True)
class Cards:
    """The images, and what is said above them."""

    title: str
    lead: str
    doing: str
    """Stands before the flagged classes."""
    cards: tuple[Card, ...]
