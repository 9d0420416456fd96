"""Completed labels and extended features, as IMCL compares images by them."""

import math

import torch
from torch import Tensor

from largeloss.losses.functional import observed, present

_C = 2.0  # asym_sigmoid runs from -1/_C to 1
LEAST_DISTANCE = 1e-3  # an image whose features are nearer is taken for the image itself


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


def with_one(features: Tensor) -> Tensor:
    """(B, D + 1): features with a constant 1, as a linear layer with bias sees them."""
    return torch.cat([features, features.new_ones(len(features), 1)], dim=1)


def close(features: Tensor, others: Tensor) -> Tensor:
    """(B, M) bool: pairs nearer than the least distance of another image."""
    squares = features.square().sum(dim=1)[:, None] + others.square().sum(dim=1)[None, :]
    # Differences of large products are inexact: pairs that may be near are measured again.
    near = squares - 2 * features @ others.T < 1e-4 * squares + 1e-4
    image, other = near.nonzero(as_tuple=True)
    near[image, other] = (features[image] - others[other]).norm(dim=1) < LEAST_DISTANCE
    return near
