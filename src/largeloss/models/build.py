"""Classifiers built from names and numbers; their parameters in groups."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from largeloss.errors import ConfigError
from largeloss.models.backbones import FeatureInput, SmallConvNet, load_backbone, timm_backbone
from largeloss.models.classifier import Classifier
from largeloss.models.normalisation import IMAGENET


def build_classifier(
    backbone: str,
    num_classes: int,
    sample_shape: Sequence[int],
    *,
    backbone_args: Mapping[str, Any] | None = None,
    hidden: int = 0,
    weights: Path | None = None,
    pretrained: bool = False,
    mean: Sequence[float] = IMAGENET.mean,
    std: Sequence[float] = IMAGENET.std,
    dropout: float = 0.0,
    alpha: float | None = None,
) -> Classifier:
    """Builds a classifier.

    Args:
        backbone: Any name of timm's, ``digits`` (a small network), or ``none`` for features.
        num_classes: C.
        sample_shape: Of one input: (3, H, W) or (D,).
        backbone_args: Passed to timm, for example ``{"pad_type": "same"}``.
        hidden: Units of a hidden layer over features; 0 is a linear model.
        weights: A safetensors file of the backbone, keys as timm names them.
        pretrained: Whether timm may fetch weights from its hub, where there is no file of them.
        mean, std, dropout, alpha: See :class:`Classifier`.

    Raises:
        ConfigError: an unknown backbone or argument, weights that do not fit, or a boosted head
            where there are no maps for it.
    """
    pixels = len(sample_shape) == 3
    statistics = torch.tensor(mean), torch.tensor(std)
    if not pixels or backbone == "none":
        if pixels or backbone != "none":
            raise ConfigError(
                f"Backbone {backbone!r} does not go with inputs of shape {tuple(sample_shape)}: "
                "images need a backbone, features the backbone 'none'."
            )
        if alpha is not None:
            raise ConfigError(
                "The head 'boost' boosts places of an image's feature maps, and these inputs are "
                "features, which have no places. Leave out --head and --alpha."
            )
        inputs = FeatureInput(sample_shape[0], hidden)
        return Classifier(inputs, num_classes, *statistics, pixels=False, dropout=dropout)
    if hidden:
        raise ConfigError("hidden is for features (backbone 'none'); images have a backbone.")
    network = (
        SmallConvNet()
        if backbone == "digits"
        else timm_backbone(backbone, backbone_args, pretrained and weights is None)
    )
    if weights is not None:
        load_backbone(network, weights)
    model = Classifier(network, num_classes, *statistics, True, dropout, alpha)
    image = torch.arange(math.prod(sample_shape)).remainder(255).to(torch.uint8)
    image = image.view(1, *sample_shape)
    try:
        with model.scoring(), torch.no_grad():
            if alpha is not None and not model.pools_into_head(model.maps(image)):
                raise ConfigError(
                    "The head 'boost' needs a backbone whose last feature maps are pooled straight "
                    f"into the head, and those of {backbone!r} are not. ResNets, DenseNets, "
                    "EfficientNets and MobileNetV2 have such maps; or leave out --head."
                )
            model(image)
    except ConfigError:
        raise
    except (AssertionError, RuntimeError, ValueError) as error:
        raise ConfigError(
            f"Backbone {backbone!r} does not take images of {tuple(sample_shape[1:])} pixels: "
            f"{error} Choose another --image-size."
        ) from None
    return model


def parameter_groups(model: Classifier, lr: float, head_lr_factor: float) -> list[dict[str, Any]]:
    """The backbone at ``lr``; the head, or all of a model over features, at ``lr`` × the factor."""
    head = list(
        model.parameters() if isinstance(model.backbone, FeatureInput) else model.head.parameters()
    )
    known = {id(parameter) for parameter in head}
    body = [parameter for parameter in model.parameters() if id(parameter) not in known]
    groups = [{"params": body, "lr": lr}, {"params": head, "lr": lr * head_lr_factor}]
    return [group for group in groups if group["params"]]
