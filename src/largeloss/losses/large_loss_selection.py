"""Which unobserved entries of a batch are selected: the settings that LL-R, LL-Ct, LL-Cp share."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from torch import Tensor

from largeloss import distributed
from largeloss.errors import ConfigError
from largeloss.losses.auto_delta import AutoDelta
from largeloss.losses.functional import large_loss, num_large, unobserved
from largeloss.losses.settings import Range, check_values

Delta = Annotated[
    Literal["auto"] | float,
    Range(0, 100, meaning="percent of the batch's entries; published values: 0.1 to 0.5"),
]
Missing = Annotated[float | None, Range(0, 100, meaning="percent of the unobserved entries")]
RateBase = Literal["all", "unobserved"]
Ties = Literal["include", "stable"]
Epochs = Annotated[int, Range(0)]
NumEpochs = Annotated[int | None, Range(1)]
OF_AUTO = ("missing", "num_epochs")
"""Settings that go with delta_rel="auto" alone."""
SEARCHED = ("delta_rel", (0.1, 0.2, 0.5, 1.0, 2.0))
"""Of the three methods: published values, and above them for data of which more is missing."""


@dataclass(frozen=True)
class LargeLossSelection:
    """Finds the unobserved entries with the largest losses.

    Args:
        delta_rel: Delta, in percent of the entries, in [0, 100]; ``"auto"``: as many as
            :class:`.AutoDelta` estimates to be missing.
        rate_base: ``"all"``: percent of the batch's B*C entries, which gave the published numbers;
            ``"unobserved"``: of its unobserved entries, as the authors' text has it. Not of
            ``"auto"``.
        ties: ``"include"`` or ``"stable"``, see :func:`~largeloss.losses.functional.large_loss`.
        warmup_epochs: Epochs in which nothing is selected; published 1.
        growing: Whether the share is Delta more in each epoch after the warm-up, or always Delta.
        missing: Of ``"auto"``: percent of the unobserved entries that are present, where that is
            known.
        num_epochs: Of ``"auto"``: epochs of the training, half-way through which the share is
            reached; None: as soon as :class:`.AutoDelta` allows.

    Raises: ConfigError for a value of a wrong type, or out of range.
    Source: Kim et al., CVPR 2022, section 4.
    """

    delta_rel: Delta
    rate_base: RateBase
    ties: Ties
    warmup_epochs: int
    growing: bool = True
    missing: Missing = None
    num_epochs: NumEpochs = None
    auto: AutoDelta | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        check_values(type(self), vars(self))
        if self.delta_rel == "auto":
            if self.rate_base != "all":
                raise ConfigError(
                    "delta_rel='auto' chooses the share of all entries itself: leave out rate_base."
                )
            auto = AutoDelta(self.missing, self.warmup_epochs, self.growing, self.num_epochs)
            object.__setattr__(self, "auto", auto)
            return
        for name in OF_AUTO:
            if getattr(self, name) is not None:
                raise ConfigError(
                    f"{name} is of delta_rel='auto', and delta_rel is {self.delta_rel}. "
                    "Leave one out."
                )

    def rate(self, epoch: int) -> float:
        """The fraction of the entries that is selected in an epoch."""
        if self.auto is not None:
            return self.auto.rate(epoch)
        assert self.delta_rel != "auto"
        steps = max(0, epoch - self.warmup_epochs + 1)
        return (steps if self.growing else min(1, steps)) * self.delta_rel / 100

    def select(self, logits: Tensor, labels: Tensor, epoch: int) -> Tensor:
        """(B, C) bool: the entries of the batch with the largest losses, always unobserved ones."""
        candidates = unobserved(labels)
        rate = self.rate(epoch)
        if rate <= 0:
            return candidates.new_zeros(candidates.shape)
        entries = int(candidates.sum()) if self.rate_base == "unobserved" else labels.numel()
        k = num_large(distributed.global_count(entries, logits.device), rate)
        return large_loss(logits, candidates, k, self.ties)
