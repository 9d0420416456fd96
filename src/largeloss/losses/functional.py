"""The pure floor beneath the losses: functions of tensors, without schedule or memory.

Shapes are explained in :mod:`largeloss.losses.base`.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from largeloss import distributed
from largeloss.errors import ConfigError


def present(labels: Tensor) -> Tensor:
    """(B, C) bool: observed positives."""
    return labels == 1


def observed(labels: Tensor) -> Tensor:
    """(B, C) bool: observed entries, positive or negative."""
    return labels >= 0


def unobserved(labels: Tensor) -> Tensor:
    """(B, C) bool: entries that nobody wrote down."""
    return labels < 0


def soft_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Binary cross-entropy against targets in [0, 1], from logits, without epsilon.

    ``softplus(x) - t x``, which equals ``-t log p - (1 - t) log(1 - p)``.
    """
    return F.binary_cross_entropy_with_logits(logits, targets.to(logits.dtype), reduction="none")


def num_large(num_entries: int, rate: float) -> int:
    """k, how many entries count as large: ``ceil(num_entries * rate)``.

    The product is rounded to nine decimals first, so that 320 entries at 2.5 % are 8, not 9 by a
    rounding error. (Published code: ``ceil`` of an accumulated rate.)
    """
    return math.ceil(round(num_entries * min(max(rate, 0.0), 1.0), 9))


def large_loss(logits: Tensor, candidates: Tensor, k: int, ties: str = "include") -> Tensor:
    """The candidates whose loss is among the k largest of the (global) batch.

    The assume-negative loss of an unobserved entry is ``softplus(x)``, which grows with x: the
    threshold is taken on the logits.

    Args:
        logits: (B, C) finite.
        candidates: (B, C) bool, the entries that may be selected.
        k: How many, over all processes; more than there are candidates selects them all.
        ties: ``"include"``: every candidate at least as large as the k-th (may exceed k);
            ``"stable"``: exactly k, lowest flat index of the global batch first.

    Returns:
        (B, C) bool, a subset of ``candidates``.

    Source: Kim et al., CVPR 2022, eq. 4-6 (the set of large-loss entries).
    """
    if k <= 0:
        return torch.zeros_like(candidates)
    values = logits.masked_fill(~candidates, -torch.inf)
    threshold = distributed.kth_largest(values.flatten(), k)
    if ties == "include":
        return (values >= threshold) & candidates
    above = values > threshold
    tied = (values == threshold) & candidates
    room = k - distributed.global_sum(above.sum())
    order = tied.flatten().cumsum(0).view_as(tied) + distributed.before_me(tied.sum())
    return above | (tied & (order <= room))


def check_expected_positives(expected_positives: float, num_classes: int | None = None) -> None:
    """Refuses a kappa that is no positive number, or is above the number of classes.

    Raises:
        ConfigError: it is zero, negative, infinite or NaN, or too large.
    """
    if num_classes is not None and expected_positives > num_classes:
        raise ConfigError(
            f"expected_positives is {expected_positives}, more than the {num_classes} classes "
            "that there are."
        )
    if not (math.isfinite(expected_positives) and expected_positives > 0):
        raise ConfigError(
            "expected_positives, the number of tags that an image has on average, must be "
            f"above 0, got {expected_positives!r}."
        )


def expected_positives_penalty(probabilities: Tensor, expected_positives: float) -> Tensor:
    """((mean over the global batch of the predicted number of positives - kappa) / C) squared.

    Args:
        probabilities: (B, C) in [0, 1].
        expected_positives: kappa, the positives that an image has on average.

    Source: Cole et al., CVPR 2021, eq. 5 (expected positive regularisation).
    """
    num_classes = probabilities.shape[1]
    mean_count = distributed.global_mean(probabilities.sum(dim=1))
    return ((mean_count - expected_positives) / num_classes) ** 2
