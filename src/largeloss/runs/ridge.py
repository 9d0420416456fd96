"""Ridge regression from features to tags, which says how much an image looks like those tagged.

It assumes that unobserved entries are absent, as the paper does, and is regularised so strongly
that it cannot memorise them: an image that lacks a tag is predicted from what it shares with the
many, not from its own blank. In closed form: no seed, no epochs, no learning rate.
"""

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
STRENGTH = 30.0
"""Ridge parameter, in squared norms of a mean image: chosen by benchmarks/suggestions.py."""
PRIOR = 0.75
"""Predictions are divided by the share of images tagged to the power of 1 - this, so that it is not
the frequent classes alone that come first: chosen there."""
WEIGHT = 0.5
"""Of a standard deviation of the scores, in log odds: chosen by benchmarks/wrong_labels.py."""
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
    def zeros(cls, num_features: int, num_classes: int) -> Self:
        """Of no image."""
        shapes = [(num_features,), (num_features,) * 2, (num_classes,), (num_features, num_classes)]
        return cls(0, *map(np.zeros, shapes))

    @classmethod
    def of(cls, features: Floats, tags: Floats) -> Self:
        """Of features (B, D) and tags (B, C), 1 where present."""
        products, tagged = features.T @ features, features.T @ tags
        return cls(len(features), features.sum(0), products, tags.sum(0), tagged)

    def plus(self, other: "Sums") -> "Sums":
        """Of the images of both."""
        return Sums(
            self.number + other.number,
            self.features + other.features,
            self.products + other.products,
            self.tags + other.tags,
            self.tagged_features + other.tagged_features,
        )


class Ridge(NamedTuple):
    """``features @ weights + bias`` is high where an image looks like those with a tag."""

    weights: Floats
    """(D, C)"""
    bias: Floats
    """(C,)"""
    mean: Floats
    """(C,), of the scores of all images."""
    deviation: Floats
    """(C,), their standard deviation; 1 where all are alike."""
    number: int
    """Of images that it was fitted to."""

    @classmethod
    def fit(cls, sums: Sums, strength: float = STRENGTH, prior: float = PRIOR) -> Self:
        """The regression on standardised features; a constant feature counts for nothing.

        ::

            W = (ZᵀZ + λI)⁻¹ Zᵀ(Y - p),   λ = strength · tr(ZᵀZ) / N
            score = (ZW + p) / p^(1 - prior)
        """
        mean, share = sums.features / sums.number, sums.tags / sums.number
        covariance = sums.products / sums.number - np.outer(mean, mean)
        deviation = np.sqrt(np.maximum(np.diag(covariance), 0))
        scale = np.where(deviation > _CONSTANT * deviation.mean(), deviation, 1.0)
        normal = covariance / np.outer(scale, scale)
        cross = (sums.tagged_features / sums.number - np.outer(mean, share)) / scale[:, None]
        added = strength * np.trace(normal) / sums.number
        ridge = normal + (added or 1.0) * np.eye(len(mean))  # images that are all alike: 1
        weights = np.linalg.solve(ridge, cross) / scale[:, None]
        divisor = np.maximum(share, 0.5 / sums.number) ** (1 - prior)  # never 0
        weights /= divisor
        spread = np.einsum("dc,de,ec->c", weights, covariance, weights, optimize=True)
        deviation = np.sqrt(np.where(spread > 0, spread, 1.0))
        bias = share / divisor - mean @ weights
        return cls(weights, bias, share / divisor, deviation, sums.number)

    def scores(self, features: Floats) -> Floats:
        """(B, C) of features (B, D)."""
        return features @ self.weights + self.bias

    def deviations(self, scores: Floats) -> Floats:
        """(B, C) scores, as standard deviations above the mean of their class."""
        return (scores - self.mean) / self.deviation

    def log_odds(self, scores: Floats, present: NDArray[Any], absent: NDArray[Any]) -> Floats:
        """(B, C): what speaks for a tag, comparable between classes; not calibrated.

        By how much an image looks like those tagged, and how frequent the class is where it is
        observed: ``present`` (C,) and ``absent`` (C,) images. A class without an observed absence
        has its unobserved images for absent ones.
        """
        others = np.where(absent > 0, absent, self.number - present)
        return np.log((present + 0.5) / (others + 0.5)) + WEIGHT * self.deviations(scores)
