"""Which unobserved entries of a batch are selected: the settings that LL-R, LL-Ct, LL-Cp share."""

from dataclasses import dataclass
from typing import Annotated, Literal

from torch import Tensor

from largeloss import distributed
from largeloss.losses.functional import large_loss, num_large, unobserved
from largeloss.losses.settings import Range, check_values

Delta = Annotated[
    float, Range(0, 100, meaning="percent of the batch's entries; published values: 0.1 to 0.5")
]
RateBase = Literal["all", "unobserved"]
Ties = Literal["include", "stable"]
Epochs = Annotated[int, Range(0)]
SEARCHED = ("delta_rel", (0.1, 0.2, 0.5, 1.0, 2.0))
"""Of the three methods: published values, and above them for data of which more is missing."""


@dataclass(frozen=True)
class LargeLossSelection:
    """Finds the unobserved entries with the largest losses.

    Args:
        delta_rel: Delta, in percent of the entries, in [0, 100].
        rate_base: ``"all"``: percent of the batch's B*C entries, which gave the published numbers;
            ``"unobserved"``: of its unobserved entries, as the authors' text has it.
        ties: ``"include"`` or ``"stable"``, see :func:`~largeloss.losses.functional.large_loss`.
        warmup_epochs: Epochs in which nothing is selected; published 1.
        growing: Whether the share is Delta more in each epoch after the warm-up, or always Delta.

    Raises: ConfigError for a value of a wrong type, or out of range.
    Source: Kim et al., CVPR 2022, section 4.
    """

    delta_rel: float
    rate_base: RateBase
    ties: Ties
    warmup_epochs: int
    growing: bool = True

    def __post_init__(self) -> None:
        check_values(type(self), vars(self))

    def select(self, logits: Tensor, labels: Tensor, epoch: int) -> Tensor:
        """(B, C) bool: the entries of the batch with the largest losses, always unobserved ones."""
        candidates = unobserved(labels)
        steps = max(0, epoch - self.warmup_epochs + 1)
        rate = (steps if self.growing else min(1, steps)) * self.delta_rel / 100
        if rate <= 0:
            return candidates.new_zeros(candidates.shape)
        entries = int(candidates.sum()) if self.rate_base == "unobserved" else labels.numel()
        k = num_large(distributed.global_count(entries, logits.device), rate)
        return large_loss(logits, candidates, k, self.ties)
