"""Ridge regression from features to tags, which says how much an image looks like those tagged.

It assumes that unobserved entries are absent, as the paper does, and is regularised so strongly
that it cannot memorise them: an image that lacks a tag is predicted from what it shares with the
many, not from its own blank. In closed form: no seed, no epochs, no learning rate.
"""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
STRENGTH = 30.0
"""Ridge parameter, in squared norms of a mean image: chosen by benchmarks/suggestions.py."""
PRIOR = 0.75
"""Predictions are divided by share of images tagged to the power of 1 - this: chosen there."""
_CONSTANT = 1e-3  # of the mean deviation: features that vary less are only centred


class Sums(NamedTuple):
    """All that the regression needs of the images, added up: O(D² + DC) memory."""

    number: int
    features: Floats
    """(D,)"""
    products: Floats
    """(D, D)"""
    tags: Floats
    """(C,)"""
    tagged_features: Floats
    """(D, C)"""

    @classmethod
    def of(cls, features: Floats, tags: Floats) -> Self:
        """Of features (B, D) and tags (B, C), 1 where present."""
        products, tagged = features.T @ features, features.T @ tags
        return cls(len(features), features.sum(0), products, tags.sum(0), tagged)

    def plus(self, other: "Sums") -> "Sums":
        """Of the images of both."""
        return Sums(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


class Ridge(NamedTuple):
    """``features @ weights + bias`` is high where an image looks like those with a tag."""

    weights: Floats
    """(D, C)"""
    bias: Floats
    """(C,)"""

    @classmethod
    def fit(cls, sums: Sums) -> Self:
        """The regression on standardised features; a constant feature counts for nothing.

        ::

            W = (ZᵀZ + λI)⁻¹ Zᵀ(Y - p),   λ = STRENGTH · tr(ZᵀZ) / N,   score = (ZW + p) / p^(1-PRIOR)
        """
        mean, share = sums.features / sums.number, sums.tags / sums.number
        covariance = sums.products / sums.number - np.outer(mean, mean)
        deviation = np.sqrt(np.maximum(np.diag(covariance), 0))
        scale = np.where(deviation > _CONSTANT * deviation.mean(), deviation, 1.0)
        covariance /= np.outer(scale, scale)
        cross = (sums.tagged_features / sums.number - np.outer(mean, share)) / scale[:, None]
        strength = STRENGTH * np.trace(covariance) / sums.number
        ridge = covariance + max(strength, np.finfo(float).tiny) * np.eye(len(mean))
        weights = np.linalg.solve(ridge, cross) / scale[:, None]
        prior = np.maximum(share, 0.5 / sums.number) ** (1 - PRIOR)  # no tag: no division by 0
        return cls(weights / prior, (share - mean @ weights) / prior)

    def scores(self, features: Floats) -> Floats:
        """(B, C) of features (B, D)."""
        return features @ self.weights + self.bias
