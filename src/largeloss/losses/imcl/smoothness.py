"""The penalties of IMCL: what a few similar images leave unexplained of an image.

Images are compared by completed labels, and by features with a constant 1.
"""

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from largeloss import distributed
from largeloss.losses.base import Context
from largeloss.losses.functional import observed, present
from largeloss.losses.host_copy import sent
from largeloss.losses.imcl.feature_memory import FeatureMemory
from largeloss.losses.imcl.pursuit import Space, pursue, residual

_C = 2.0  # asym_sigmoid runs from -1/_C to 1
LEAST_DISTANCE = 1e-3  # an image whose features are nearer is taken for the image itself


def smoothness(
    logits: Tensor,
    labels: Tensor,
    context: Context,
    memory: FeatureMemory,
    graph: Tensor | None,
    scores: tuple[float, float],
) -> tuple[Tensor, Tensor]:
    """``sum |r_L|^2 / B`` and ``sum |r_F|^2 / B``, over the global batch.

    Shapes: logits (B, C); labels (B, C); all of the context; a memory of at least one image; graph
    (C, C), or None for the identity; scores of labels and features in the choice of atoms.
    Gradients flow through logits, features, head and graph.
    """
    rows, features, head = cast(tuple[Tensor, Tensor, nn.Linear], context)
    features = features.to(logits.dtype)
    known = sent(memory.features, features.device).to(features.dtype)
    known_labels = sent(memory.labels, labels.device)
    in_labels = Space(
        completed(logits, labels),
        completed(_logits(known, head), known_labels, graph),
    )
    in_features = Space(_with_one(features), _with_one(known))
    itself = memory.rows[None, :] == rows.cpu()[:, None]
    allowed = ~(sent(itself, features.device) | close(features.detach(), known))
    found = pursue(in_labels, in_features, allowed, scores)
    left_labels = residual(in_labels, found.atoms, found.label_weights)
    left_features = residual(in_features, found.atoms, found.feature_weights)
    count = distributed.global_count(len(rows), logits.device)
    in_y, in_f = (
        distributed.global_sum(left.square().sum()) / count for left in (left_labels, left_features)
    )
    return in_y, in_f


def gradient_ratio(
    first: Tensor, second: Tensor, inputs: Sequence[Tensor], *, shared: bool
) -> float:
    """How many times as large the gradient of ``first`` in ``inputs`` is as that of ``second``.

    ``shared``: whether all processes have the same inputs (parameters), or each its own (features).
    """
    sizes = []
    for term in (first, second):
        slopes = torch.autograd.grad(term, inputs, retain_graph=True, allow_unused=True)
        found = [slope for slope in slopes if slope is not None]
        if shared:
            found = [distributed.global_sum(slope) for slope in found]
        square = sum((slope.square().sum() for slope in found), term.new_zeros(()))
        sizes.append(float(square if shared else distributed.global_sum(square)) ** 0.5)
    return sizes[0] / sizes[1] if sizes[1] > 0 else 0.0


def asym_sigmoid(logits: Tensor) -> Tensor:
    """From -1/2 through 0, at logit 0, to 1.

    ``(e^w - e^-w / c) / (e^w + e^-w)`` with ``w = v + log(1/c) / 2`` and c = 2, which is a sigmoid
    of ``2 w``, stretched.
    """
    return torch.sigmoid(2 * logits - math.log(_C)) * (1 + 1 / _C) - 1 / _C


def completed(logits: Tensor, labels: Tensor, graph: Tensor | None = None) -> Tensor:
    """Labels where observed, else what the logits say, mixed by the graph."""
    values = asym_sigmoid(logits)
    if graph is not None:
        values = values @ graph.to(values.dtype)
    sure = torch.where(present(labels), 1.0, -1 / _C).to(values.dtype)
    return torch.where(observed(labels), sure, values)


def close(features: Tensor, others: Tensor) -> Tensor:
    """(B, M) bool: pairs nearer than the least distance of another image."""
    squares = features.square().sum(dim=1)[:, None] + others.square().sum(dim=1)[None, :]
    # Differences of large products are inexact: pairs that may be near are measured again.
    near = squares - 2 * features @ others.T < 1e-4 * squares + 1e-4
    image, other = near.nonzero(as_tuple=True)
    near[image, other] = (features[image] - others[other]).norm(dim=1) < LEAST_DISTANCE
    return near


def _logits(features: Tensor, head: nn.Linear) -> Tensor:
    """(B, C): what the head makes of features; computed in their precision."""
    bias = None if head.bias is None else head.bias.to(features.dtype)
    return F.linear(features, head.weight.to(features.dtype), bias)


def _with_one(features: Tensor) -> Tensor:
    """(B, D + 1): as a linear layer with bias sees them."""
    return torch.cat([features, features.new_ones(len(features), 1)], dim=1)
