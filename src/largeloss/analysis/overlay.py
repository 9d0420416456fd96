"""A class activation map laid over its image."""

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray

STRENGTH = 0.8
"""Opacity of the colour where the map is 1. Where the map is 0, the grey image is unchanged."""


def overlay(pixels: NDArray[np.uint8], activation: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(H, W, 3): an image in grey, coloured where ``activation`` (H, W) in [0, 1] is high."""
    grey = pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    colour = colormaps["inferno"](0.25 + 0.75 * activation)[..., :3] * 255
    share = (STRENGTH * activation)[..., None]
    mixed: NDArray[np.uint8] = np.round(grey[..., None] * (1 - share) + colour * share).astype("u1")
    return mixed
