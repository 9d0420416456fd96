"""Training pictures whose tags were doubted."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

DOINGS = {
    "ll-r": ("Rejected", "LL-R leaves the class out of the picture’s loss instead of learning "
             "that it is absent."),
    "ll-ct": ("Corrected", "LL-Ct takes the class for present in that step."),
    "ll-cp": ("Corrected", "LL-Cp takes the class for present from then on."),
    "curriculum": ("Labelled", "Curriculum labelling takes the class for present, as long as the "
                   "model is sure of it."),
}  # fmt: skip
"""Method → what it does with doubted entries, as a word and as a sentence."""


@dataclass(frozen=True)
class Doubt:
    """A blank entry that was doubted."""

    name: str
    """The class."""
    truth: bool | None
    """Whether the class is in the picture; None where nobody knows."""
    detail: str = ""
    """For example its loss."""
    looked_at: NDArray[np.uint8] | None = None
    """(H, W, 3): the picture with the map of where the model looks for the class."""

    @property
    def verdict(self) -> Literal["rightly", "wrongly", "unknown"]:
        """Rightly where the tag was missing."""
        return "unknown" if self.truth is None else "rightly" if self.truth else "wrongly"


@dataclass(frozen=True)
class Card:
    """A training picture: what its labels said, what was doubted, and the truth."""

    name: str
    picture: NDArray[np.uint8]
    """(H, W) or (H, W, 3)."""
    given: tuple[str, ...]
    """Tags that the training saw."""
    doubts: tuple[Doubt, ...]
    truth: tuple[str, ...] | None
    """All classes in the picture; None where nobody knows."""

    @property
    def looked(self) -> Doubt | None:
        """The first doubt with a map of where the model looks."""
        return next((doubt for doubt in self.doubts if doubt.looked_at is not None), None)


@dataclass(frozen=True)
class Cards:
    """The pictures, and what is said above them."""

    title: str
    lead: str
    doing: str
    """Stands before the doubted classes."""
    cards: tuple[Card, ...]
