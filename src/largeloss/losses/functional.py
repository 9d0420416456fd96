"""The pure layer beneath the losses: functions of tensors, without schedule or memory.

Shapes are explained in :mod:`largeloss.losses.base`. On the CPU, NumPy compares whole matrices: it
takes a tenth of torch's time.
"""

import math
import operator
from collections.abc import Callable, Sequence
from typing import Annotated, Any, cast

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from largeloss import distributed
from largeloss.errors import ConfigError
from largeloss.losses.settings import Range

SAMPLE = 8192
SAMPLED_FROM = 2**12
"""Fewer logits are searched in full, without a sample."""

Kappa = Annotated[
    float, Range(0, above=True, meaning="the number of tags that an image has on average")
]
"""Setting of EPR and ROLE."""


def present(labels: Tensor) -> Tensor:
    """(B, C) bool: observed positives."""
    return _compared(operator.eq, labels, 1)


def observed(labels: Tensor) -> Tensor:
    """(B, C) bool: observed entries, positive or negative."""
    return _compared(operator.ge, labels, 0)


def unobserved(labels: Tensor) -> Tensor:
    """(B, C) bool: unobserved entries."""
    return _compared(operator.lt, labels, 0)


def minus_log(logits: Tensor) -> Tensor:
    """``-log p``, finite wherever the logits are; of the negated logits ``-log (1 - p)``."""
    return -F.logsigmoid(logits)


def power(logits: Tensor, exponent: float) -> Tensor:
    """``p ** exponent``, with finite derivatives also where p underflows or the exponent is 0."""
    return torch.exp(exponent * F.logsigmoid(logits))


def _compared(compare: Callable[[Any, Any], Any], values: Tensor, number: Any) -> Tensor:
    if not values.is_cpu:
        return cast(Tensor, compare(values, number))
    number = number.numpy() if isinstance(number, Tensor) else number
    return torch.from_numpy(compare(values.numpy(), number))


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
        logits: (B, C) finite; of any precision, and with or without a gradient.
        candidates: (B, C) bool, the entries that may be selected; returned is a subset.
        k: How many, over all processes; more than there are candidates selects them all.
        ties: ``"include"``: every candidate at least as large as the k-th (may exceed k);
            ``"stable"``: exactly k, lowest flat index of the global batch first.

    Source: Kim et al., CVPR 2022, eq. 4-6 (the set of large-loss entries).
    """
    if k <= 0:
        return torch.zeros_like(candidates)
    logits = logits.detach()
    if logits.dtype in (torch.float16, torch.bfloat16):
        logits = logits.float()
    if logits.is_cpu and ties == "include" and distributed.world_size() == 1:
        values, allowed = logits.numpy(), candidates.numpy()
        near = _found_by_sample(values.ravel(), allowed.ravel(), k)
        if len(near) < k:
            return candidates
        near.partition(len(near) - k)  # a copy
        return torch.from_numpy((values >= near[len(near) - k]) & allowed)
    threshold = distributed.kth_largest(_near_the_top(logits, candidates, k), k)
    if ties == "include":
        # -inf, where there are fewer candidates than k, would select what is none
        return _compared(operator.ge, logits, threshold) & candidates
    above = (logits > threshold) & candidates
    tied = (logits == threshold) & candidates
    room = k - distributed.global_sum(above.sum())
    order = tied.flatten().cumsum(0).view_as(tied) + distributed.before_me(tied.sum())
    return above | (tied & (order <= room))


def _near_the_top(logits: Tensor, candidates: Tensor, k: int) -> Tensor:
    """(M,): logits of candidates, the k largest of this process among them."""
    if not logits.is_cpu:
        return logits.masked_fill(~candidates, -torch.inf).flatten()
    near = _found_by_sample(logits.numpy().ravel(), candidates.numpy().ravel(), k)
    return torch.from_numpy(near)


def _found_by_sample(values: NDArray[Any], allowed: NDArray[np.bool_], k: int) -> NDArray[Any]:
    """(M,): the ``values`` of what is ``allowed``, the k largest among them.

    Finding the largest of many is slow on the CPU: a sample tells a value that a few more than k
    will exceed, and only those are returned.
    """
    if len(values) >= SAMPLED_FROM:
        step = max(11, len(values) // SAMPLE)
        while math.gcd(step, 210) > 1:  # else it might meet the same few classes in every row
            step += 1
        sample = values[::step][allowed[::step]]
        expected = k / step
        place = math.ceil(expected + 4 * math.sqrt(expected) + 8)
        if place <= len(sample) // 4:
            guess = np.partition(sample, len(sample) - place)[len(sample) - place]
            found = np.flatnonzero((values >= guess) & allowed)
            if len(found) >= k:
                return values[found]
    return values[allowed] if len(values) < SAMPLED_FROM else values[np.flatnonzero(allowed)]


def check_table_fits(
    what: str,
    shape: Sequence[int],
    bytes_per_entry: float,
    *,
    trained: bool = False,
    instead: str = "a method without a table, such as ll-r",
) -> None:
    """Makes sure that a table of this size fits into the memory that is free.

    Args:
        what: Of the message: ``ROLE trains``.
        shape: (N, C).
        bytes_per_entry: With all that goes along with it.
        trained: Whether it lies on the GPU, where there is one, and not in the host's memory.
        instead: Of the message: what to choose.

    Raises:
        ConfigError: it does not; the message has both sizes.
    """
    num_images, num_classes = shape
    needed = num_images * num_classes * bytes_per_entry
    free = psutil.virtual_memory().available
    if trained and torch.cuda.is_available():
        free = min(free, torch.cuda.mem_get_info()[0])
    if needed > free:
        raise ConfigError(
            f"{what} a table of {num_images:,} images × {num_classes:,} classes, which needs "
            f"{needed / 1e9:,.1f} GB with what goes along with it; {free / 1e9:,.1f} GB are free. "
            f"Choose fewer classes, or {instead}."
        )


def check_not_above_classes(expected_positives: float, num_classes: int) -> None:
    """Refuses a kappa above the number of classes.

    Raises:
        ConfigError: so it is.
    """
    if expected_positives > num_classes:
        raise ConfigError(
            f"expected_positives is {expected_positives}, more than the {num_classes} classes "
            "that there are."
        )


def expected_positives_penalty(probabilities: Tensor, expected_positives: float) -> Tensor:
    """((mean over the global batch of sum_c p - kappa) / C) squared; probabilities p are (B, C).

    Source: Cole et al., CVPR 2021, eq. 5 (expected positive regularisation).
    """
    num_classes = probabilities.shape[1]
    mean_count = distributed.global_mean(probabilities.sum(dim=1))
    return ((mean_count - expected_positives) / num_classes) ** 2
