"""Where a classifier looks for a class."""

import torch
from torch import Tensor
from torch.nn import functional as F

from largeloss.models import Classifier


@torch.no_grad()
def activation_maps(model: Classifier, inputs: Tensor) -> Tensor:
    """(B, C, h, w) float32: class activation maps in evaluation mode, as they come.

    Raises:
        ConfigError: the model has none.
    """
    with model.scoring():
        return model.class_activation_maps(inputs).float()


def resized(maps: Tensor, height: int, width: int) -> Tensor:
    """(K, H, W): maps (K, h, w), spread over an image by bilinear interpolation."""
    spread = F.interpolate(maps[None], (height, width), mode="bilinear", align_corners=False)
    return spread[0]


def shown(maps: Tensor, height: int, width: int) -> Tensor:
    """(K, H, W) in [0, 1]: what speaks for the class, the most as 1; 0 where nothing does.

    Source: Kim et al., CVPR 2022, figure 5: maps are rectified, scaled and resized.
    """
    positive = resized(maps.clamp(min=0), height, width)
    most = positive.flatten(1).amax(dim=1).clamp(min=torch.finfo(positive.dtype).tiny)
    return positive / most[:, None, None]
