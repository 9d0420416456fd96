"""What a method decides about a batch, what it decides from, and how reports describe it."""

from typing import NamedTuple

from torch import Tensor, nn


class Decision(NamedTuple):
    """A method's answers about the entries of a batch."""

    targets: Tensor
    """(B, C) in [0, 1], or bool."""
    weights: Tensor | None = None
    """(B, C) >= 0, or bool; None is 1 for all."""


class Context(NamedTuple):
    """What ``forward`` was given of a batch beside logits and labels; None where it was not."""

    rows: Tensor | None = None
    """(B,)."""
    features: Tensor | None = None
    """(B, D): the head's inputs."""
    head: nn.Linear | None = None
    """D → C: gives the logits of the features."""


class Action(NamedTuple):
    """What a method does with a flagged entry, in words."""

    word: str
    """``"Rejected"``: stands before the flagged classes of an image."""
    sentence: str
    """What that means for the training."""
    reason: str
    """Why an entry was edited, as recorded in a run's ``corrections.parquet``."""
