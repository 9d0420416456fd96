"""Binary cross-entropy of a batch, its mean taken over all processes."""

from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from largeloss import distributed

NUMPY_BELOW = 2**14
"""Entries; fewer are computed by NumPy on the CPU, which then takes half of torch's time."""


def mean_cross_entropy(logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """The mean over the global batch of ``weights * (softplus(x) - t x)``, x being the logits.

    That is binary cross-entropy, ``-t log p - (1 - t) log(1 - p)``, without epsilon.

    Can be differentiated any number of times by ``torch.autograd``.

    Args:
        logits: (B, C).
        targets: (B, C) in [0, 1], or bool; as (B, 1), (1, C) or (C,) they are repeated.
        weights: (B, C), or repeated likewise; bool says which entries count, and is for few that
            do not; None is 1 for all.
    """
    size, alone = logits.numel(), distributed.world_size() == 1
    if targets.shape != logits.shape:
        targets = targets.expand(logits.shape)
    if weights is not None and weights.shape != logits.shape:
        weights = weights.expand(logits.shape)
    hard = targets.dtype == torch.bool and (weights is None or weights.dtype == torch.bool)
    if hard and logits.is_cpu:
        divisor = max(1, size) if alone else 1
        total = cast(Tensor, _HardCrossEntropy.apply(logits, (targets, weights), divisor))
    else:
        targets = targets.to(logits.dtype)
        weights = None if weights is None else weights.to(logits.dtype)
        reduction = "mean" if alone else "sum"
        total = F.binary_cross_entropy_with_logits(logits, targets, weights, reduction=reduction)
    if alone:
        return total
    return distributed.global_sum(total) / max(1, distributed.global_count(size, logits.device))


class _HardCrossEntropy(torch.autograd.Function):
    """The sum of the losses over ``divisor``, and at once its gradient.

    ``entries`` are (B, C) bool: the targets, and which entries count, or None. Where the gradient
    is to be differentiated in turn, it is computed again by operations that can be.
    """

    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, entries: tuple[Tensor, Tensor | None], divisor: int
    ) -> Tensor:
        compute = _of_few if logits.numel() < NUMPY_BELOW else _of_many
        total, slopes = compute(logits, *entries)
        ctx.entries, ctx.divisor = entries, divisor
        ctx.save_for_backward(logits, slopes)
        return logits.new_tensor(total / divisor)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        logits, slopes = ctx.saved_tensors
        if not torch.is_grad_enabled():
            return slopes * (grads[0].item() / ctx.divisor), None, None
        targets, counted = ctx.entries  # create_graph=True
        slopes = torch.sigmoid(logits) - targets.to(logits.dtype)
        slopes = slopes if counted is None else slopes * counted
        return slopes * (grads[0] / ctx.divisor), None, None


def _of_few(logits: Tensor, targets: Tensor, counted: Tensor | None) -> tuple[float, Tensor]:
    """The sum of the losses, and ``sigmoid(x) - t``, by as few calls as there can be."""
    x, true = logits.numpy(), targets.numpy()
    losses = np.maximum(x, 0) + np.log1p(np.exp(np.copysign(x, -1)))  # softplus(x)
    slopes = -np.expm1(-losses) - true
    np.subtract(losses, x, out=losses, where=true)
    if counted is not None:
        losses *= counted.numpy()
        slopes *= counted.numpy()
    return float(torch.from_numpy(losses).sum()), torch.from_numpy(slopes)


def _of_many(logits: Tensor, targets: Tensor, counted: Tensor | None) -> tuple[float, Tensor]:
    """The same. Targets that are true and entries that do not count are few: they are corrected
    one by one."""
    logits = logits.contiguous()
    losses, slopes = F.softplus(logits), torch.sigmoid(logits)
    true = _places(targets if counted is None else targets & counted)
    losses.view(-1)[true] -= logits.view(-1)[true]
    slopes.view(-1)[true] -= 1
    if counted is not None:
        left_out = _places(~counted)
        losses.view(-1)[left_out] = 0
        slopes.view(-1)[left_out] = 0
    return float(losses.sum()), slopes


def _places(mask: Tensor) -> Tensor:
    """Positions in the flat ``mask`` that are true; NumPy finds few of many much faster."""
    return torch.from_numpy(np.flatnonzero(mask.numpy()))
