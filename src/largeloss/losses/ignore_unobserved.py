"""Naive IU: what nobody wrote down says nothing."""

from typing import Literal

from torch import Tensor

from largeloss import distributed
from largeloss.errors import ConfigError
from largeloss.losses.base import Decision, PartialLabelLoss
from largeloss.losses.functional import observed, present


class IgnoreUnobserved(PartialLabelLoss):
    """Believes observed entries only; unobserved ones weigh nothing.

    ``mean([labels observed] * cross_entropy(logits, [labels == 1]))``

    Args:
        denominator: ``"all"``: the mean is over B*C entries, as published; ``"observed"``: over
            the observed entries of the batch.

    Shapes: logits (B, C) float; labels (B, C) integer in {-1, 0, 1}; returns ().
    State: none. Needs: nothing. Memory: none.
    Source: Kim et al., CVPR 2022, section 5.1 ("Naive IU"); the denominator from their code.
    """

    def __init__(self, denominator: Literal["all", "observed"] = "all") -> None:
        super().__init__()
        if denominator not in ("all", "observed"):
            raise ConfigError(f"denominator must be 'all' or 'observed', got {denominator!r}.")
        self.denominator = denominator

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        weights = observed(labels).to(logits.dtype)
        if self.denominator == "observed":
            share = distributed.global_mean(weights)
            weights = weights / share.clamp_min(1e-30)
        return Decision(present(labels), weights)
