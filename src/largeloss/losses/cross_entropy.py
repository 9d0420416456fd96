"""Binary cross-entropy of a batch, its mean taken over all processes."""

from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from largeloss import distributed

CLOSED_FORM_FROM = 2**14
"""Entries; on the CPU and from here on, the gradient is worked out together with the loss."""


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
    size = logits.numel()
    targets = targets.expand(logits.shape)
    weights = None if weights is None else weights.expand(logits.shape)
    hard = targets.dtype == torch.bool and (weights is None or weights.dtype == torch.bool)
    alone = distributed.world_size() == 1
    if hard and size >= CLOSED_FORM_FROM and logits.device.type == "cpu":
        total = cast(Tensor, _HardCrossEntropy.apply(logits, targets, weights))
    else:
        targets = targets.to(logits.dtype)
        weights = None if weights is None else weights.to(logits.dtype)
        reduction = "mean" if alone else "sum"
        total = F.binary_cross_entropy_with_logits(logits, targets, weights, reduction=reduction)
        if alone:
            return total
    return distributed.global_sum(total) / max(1, distributed.global_count(size, logits.device))


class _HardCrossEntropy(torch.autograd.Function):
    """The sum of the losses against bool targets, and at once its gradient, ``sigmoid(x) - t``.

    Targets that are true and entries that do not count are few: they are corrected one by one.
    Where the gradient is to be differentiated in turn, it is worked out again by operations that
    can be.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor, counted: Tensor | None) -> Tensor:
        given, logits = logits, logits.contiguous()
        losses, slopes = F.softplus(logits), torch.sigmoid(logits)
        true = _places(targets if counted is None else targets & counted)
        losses.view(-1)[true] -= logits.view(-1)[true]
        slopes.view(-1)[true] -= 1
        if counted is not None:
            left_out = _places(~counted)
            losses.view(-1)[left_out] = 0
            slopes.view(-1)[left_out] = 0
        ctx.save_for_backward(given, targets, counted, slopes)
        return losses.sum()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        logits, targets, counted, slopes = ctx.saved_tensors
        if torch.is_grad_enabled():  # create_graph=True
            slopes = torch.sigmoid(logits) - targets.to(logits.dtype)
            slopes = slopes if counted is None else slopes * counted
        return slopes * grads[0], None, None


def _places(mask: Tensor) -> Tensor:
    """Positions in the flat ``mask`` that are true; NumPy finds few of many much faster."""
    return torch.from_numpy(np.flatnonzero(mask.numpy()))
