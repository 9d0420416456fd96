"""How well a model does on val or test, and by which labels that is said.

Labels may be complete, partly observed, or positives only; what can be measured differs, and every
result says which rule it was measured by.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from largeloss.errors import ConfigError
from largeloss.labels import LabelTable
from largeloss.metrics import (
    MeanAveragePrecision,
    example_average_precision,
    mean_average_precision,
)

RULES = {
    "full": "complete labels",
    "observed": "observed entries only",
    "assume-absent": "blanks counted as absent, for want of observed absences: true positives that "
    "nobody wrote down count as errors, so the figure is too low and good for ranking only",
}


@dataclass(frozen=True)
class Yardstick:
    """A split's labels and the rule by which scores are measured against them."""

    rule: str
    """A name of :data:`RULES`."""
    labels: NDArray[np.int8]
    """(M, C), unobserved entries already treated as the rule has it."""

    @classmethod
    def of(cls, table: LabelTable, rows: NDArray[np.int64], rule: str = "auto") -> Self:
        """Takes the labels of ``rows``.

        ``auto``: ``full`` where no entry is unobserved; else ``observed`` where at least half of
        the classes that have an observed positive have an observed negative too; else
        ``assume-absent``.

        Raises:
            ConfigError: no such rule, or ``full`` with unobserved entries.
        """
        labels = table.lookup(rows)
        num_blank = int((labels < 0).sum())
        if rule == "auto":
            rule = "full" if not num_blank else _fitting_rule(labels)
        if rule not in RULES:
            raise ConfigError(f"No such rule: {rule!r}; there are auto, {', '.join(RULES)}.")
        if rule == "full" and num_blank:
            raise ConfigError(
                f"Rule 'full' needs complete labels, but {num_blank} of {labels.size} entries are "
                "unobserved. Choose 'observed', 'assume-absent' or 'auto'."
            )
        if rule == "assume-absent":
            labels = np.where(labels < 0, np.int8(0), labels)
        return cls(rule, labels)

    def measure(self, logits: Tensor | NDArray[np.floating]) -> MeanAveragePrecision:
        """Mean average precision of ``logits`` (M, C); classes without positives count 0."""
        return mean_average_precision(logits, self.labels)

    def by_example(self, logits: Tensor | NDArray[np.floating]) -> float | None:
        """Average precision by image, in [0, 1]; None where labels are not complete or no image
        has a tag."""
        if self.rule != "full" or not (self.labels == 1).any():
            return None
        return example_average_precision(logits, self.labels)

    def counts(self, classes: Sequence[str]) -> dict[str, list[int]]:
        """Class → number of images with the tag, without it, unknown."""
        states = [(self.labels == state).sum(axis=0).tolist() for state in (1, 0, -1)]
        return {name: list(numbers) for name, *numbers in zip(classes, *states, strict=True)}

    @property
    def description(self) -> str:
        """The rule in words."""
        return RULES[self.rule]


def _fitting_rule(labels: NDArray[np.int8]) -> str:
    with_positive = (labels == 1).any(axis=0)
    with_both = with_positive & (labels == 0).any(axis=0)
    return "observed" if 2 * with_both.sum() >= max(1, with_positive.sum()) else "assume-absent"
