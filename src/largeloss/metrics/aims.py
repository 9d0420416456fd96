"""What a threshold is chosen for: the greatest F1, or a share of right or of found tags."""

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from largeloss.errors import ConfigError
from largeloss.metrics.ranking import Ranking


@dataclass(frozen=True)
class Aim:
    """An aim of thresholds."""

    kind: Literal["f1", "precision", "recall"] = "f1"
    share: float = 0.0
    """Of precision or recall: a fraction above 0, at most 1."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """``f1``, ``precision=0.9`` or ``recall=0.8``.

        Raises:
            ConfigError: anything else.
        """
        kind, _, number = text.strip().partition("=")
        if kind == "f1" and not number:
            return cls()
        try:
            share = float(number)
        except ValueError:
            share = 0.0
        if kind == "precision" and 0 < share <= 1:
            return cls("precision", share)
        if kind == "recall" and 0 < share <= 1:
            return cls("recall", share)
        raise ConfigError(
            "An aim is f1, precision=P or recall=R, where P and R are above 0 and at most 1, as in "
            f"precision=0.9; got {text!r}."
        )

    def __str__(self) -> str:
        return self.kind if self.kind == "f1" else f"{self.kind}={self.share:g}"

    def choose(self, ranking: Ranking) -> int | None:
        """Which positive of a class scores lowest of those tagged, an index into ``hits``.

        For F1 that of the greatest F1, the highest of equals; for precision the lowest, for recall
        the highest that reaches the share. None where none does.
        """
        num_hits = ranking.hits.size
        if self.kind == "f1":
            f1 = 2 * ranking.hits_above / (ranking.all_above + num_hits)
            return num_hits - 1 - int(np.argmax(f1[::-1]))
        if self.kind == "precision":
            reached = np.flatnonzero(ranking.hits_above / ranking.all_above >= self.share)
            return int(reached[0]) if reached.size else None
        reached = np.flatnonzero(ranking.hits_above / num_hits >= self.share)
        return int(reached[-1]) if reached.size else None


F1 = Aim()
"""The aim of the thresholds that training ends with."""
