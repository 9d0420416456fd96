"""Class activation maps: the regions of an image that a classifier uses for a class."""

import torch
from torch import Tensor
from torch.nn import functional as F

from largeloss.models import Classifier


@torch.no_grad()
def activation_maps(model: Classifier, inputs: Tensor) -> Tensor:
    """(B, C, h, w) float32: raw class activation maps, with the model in evaluation mode.

    Raises:
        ConfigError: the network has no class activation maps.
    """
    with model.scoring():
        return model.class_activation_maps(inputs).float()


def resized(maps: Tensor, height: int, width: int) -> Tensor:
    """(K, H, W): maps (K, h, w), resized to an image by bilinear interpolation."""
    return F.interpolate(maps[None], (height, width), mode="bilinear", align_corners=False)[0]


def normalized(maps: Tensor, height: int, width: int) -> Tensor:
    """(K, H, W) in [0, 1]: maps without their negative part, resized, divided by their maximum.

    A map without a positive value becomes 0 everywhere.

    Source: Kim et al., CVPR 2022, figure 5.
    """
    positive = resized(maps.clamp(min=0), height, width)
    maximum = positive.flatten(1).amax(dim=1).clamp(min=torch.finfo(positive.dtype).tiny)
    return positive / maximum[:, None, None]
