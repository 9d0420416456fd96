"""Which unobserved entries curriculum labelling accepts a label for, and which label.

A rule is a function of probabilities (P, B, C) of P prediction passes, candidates (B, C) bool,
and its limit; it returns (B, C) int8: 1 present, 0 absent, -1 not accepted.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from largeloss import distributed
from largeloss.losses.functional import large_loss, num_large
from largeloss.losses.settings import Range


class Rule(NamedTuple):
    """How labels are accepted."""

    accept: Callable[[Tensor, Tensor, float], Tensor]  # (probabilities, candidates, limit) → states
    limit: float  # used unless another is given
    range: Range  # the limits that make sense
    stochastic: bool  # whether it needs several passes that differ by dropout


def by_threshold(probabilities: Tensor, candidates: Tensor, limit: float) -> Tensor:
    """Present from ``limit`` on, absent up to ``1 - limit``; of several passes the mean."""
    mean = probabilities.mean(dim=0)
    return _states(mean, candidates & ((mean >= limit) | (mean <= 1 - limit)))


def by_share(probabilities: Tensor, candidates: Tensor, limit: float) -> Tensor:
    """The most certain candidates, a share ``limit`` of those of the (global) chunk."""
    mean = probabilities.mean(dim=0)
    count = distributed.global_count(int(candidates.sum()), mean.device)
    certain = large_loss((mean - 0.5).abs(), candidates, num_large(count, limit))
    return _states(mean, certain)


def positives_only(probabilities: Tensor, candidates: Tensor, limit: float) -> Tensor:
    """Present from ``limit`` on; nothing becomes absent."""
    present = candidates & (probabilities.mean(dim=0) >= limit)
    return present.to(torch.int8) * 2 - 1


def by_certainty(probabilities: Tensor, candidates: Tensor, limit: float) -> Tensor:
    """Where the standard deviation over the passes is at most ``limit``, the mean's side."""
    spread = probabilities.std(dim=0, correction=0)
    return _states(probabilities.mean(dim=0), candidates & (spread <= limit))


def _states(mean: Tensor, accepted: Tensor) -> Tensor:
    return (mean > 0.5).to(torch.int8).masked_fill(~accepted, -1)


RULES = {
    "threshold": Rule(by_threshold, 0.9, Range(0.5, 1), stochastic=False),
    "share": Rule(by_share, 0.1, Range(0, 1, above=True), stochastic=False),
    "positives": Rule(positives_only, 0.9, Range(0, 1, above=True), stochastic=False),
    "ensemble": Rule(by_threshold, 0.9, Range(0.5, 1), stochastic=True),
    "uncertainty": Rule(by_certainty, 0.05, Range(0, 0.5, above=True), stochastic=True),
}
