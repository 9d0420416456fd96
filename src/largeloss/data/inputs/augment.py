"""Training images, changed at random: what is drawn depends on one number per image alone."""

from collections.abc import Sequence
from functools import cache
from typing import Literal

import torch
from torch import Tensor, nn

Strength = Literal["none", "light", "strong"]
SHIFT = 12
"""Images are shifted by up to a twelfth of their side."""


def augmented(images: Tensor, seeds: Sequence[int], strength: Strength) -> Tensor:
    """Changed copies of a batch of images, by torchvision's transforms where they are strong.

    ``light``: shifted by up to a twelfth of the side, each way, the edges repeated. ``strong``: a
    part of 50 to 100 % of the image enlarged, other brightness, contrast and saturation, and in
    half of the images a rectangle of 2 to 20 % is blackened.

    Args:
        images: (B, 3, H, W) uint8.
        seeds: (B,) from 0 to 2**63 - 1; equal images with equal seeds come out equal.
        strength: ``none`` gives ``images`` as they are.
    """
    if strength == "none" or not len(images):
        return images
    if strength == "light":
        return _shifted(images, seeds)
    transform = _strong(images.shape[-2], images.shape[-1])
    changed = torch.empty_like(images)
    for place, seed in enumerate(seeds):
        with torch.random.fork_rng(devices=[]):  # torchvision draws from the global stream
            torch.default_generator.manual_seed(seed)  # that of a GPU goes on as it was
            changed[place] = transform(images[place])
    return changed


def _shifted(images: Tensor, seeds: Sequence[int]) -> Tensor:
    """Each image moved by whole pixels."""
    *_, height, width = images.shape
    drawn = torch.tensor(seeds, dtype=torch.int64)
    down, right = height // SHIFT, width // SHIFT
    dy = drawn % (2 * down + 1) - down
    dx = drawn // (2 * down + 1) % (2 * right + 1) - right
    y = (torch.arange(height) + dy[:, None]).clamp(0, height - 1)
    x = (torch.arange(width) + dx[:, None]).clamp(0, width - 1)
    which = torch.arange(len(images))[:, None, None]
    moved = images[which, :, y[:, :, None], x[:, None, :]]  # (B, H, W, 3)
    return moved.permute(0, 3, 1, 2).contiguous()


@cache
def _strong(height: int, width: int) -> nn.Module:
    from torchvision.transforms import v2  # a second to import, and seldom needed

    steps: list[nn.Module] = [
        v2.RandomResizedCrop((height, width), (0.5, 1.0), (0.8, 1.25), antialias=True),
        v2.ColorJitter(0.3, 0.3, 0.3),
        v2.RandomErasing(0.5, (0.02, 0.2)),
    ]
    return nn.Sequential(*steps)
