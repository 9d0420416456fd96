"""The network of a run, and what is saved beside its weights."""

from collections.abc import Sequence
from typing import Any

from largeloss.config import RunConfig
from largeloss.data import Dataset
from largeloss.errors import ConfigError
from largeloss.models import (
    Classifier,
    Statistics,
    build_classifier,
    normalisation_remark,
    weights_id,
)


def make_network(
    settings: RunConfig, sample_shape: Sequence[int], num_classes: int
) -> tuple[Classifier, dict[str, Any]]:
    """The network of resolved settings for inputs of a shape, and its architecture.

    Raises:
        ConfigError: network, weights and inputs do not go together.
    """
    network, pixels = settings.model, len(sample_shape) == 3
    backbone = network.backbone if pixels else "none"
    if (backbone == "none" and network.weights) or (
        backbone in ("none", "digits") and network.pretrained
    ):
        raise ConfigError(
            f"Backbone {backbone!r} has no such weights to start from; leave out "
            "--weights and --pretrained."
        )
    architecture: dict[str, Any] = {
        "backbone": backbone,
        "backbone_args": network.args,
        "hidden": network.hidden,
        "dropout": network.dropout,
        "sample_shape": list(sample_shape),
        "mean": network.mean if pixels else [0.0] * sample_shape[0],
        "std": network.std if pixels else [1.0] * sample_shape[0],
    }
    model = build_classifier(
        num_classes=num_classes,
        weights=network.weights,
        pretrained=network.pretrained,
        **architecture,
    )
    return model, architecture


def make_model(
    settings: RunConfig, dataset: Dataset
) -> tuple[Classifier, dict[str, Any], list[str]]:
    """The network for ``dataset``, what is saved beside its weights, and remarks.

    Raises:
        ConfigError: network, weights and inputs do not go together.
    """
    network, shape = settings.model, dataset.source.sample_shape
    model, architecture = make_network(settings, shape, dataset.labels.num_classes)
    backbone = architecture["backbone"]
    saved = {
        "format": 1,
        "architecture": architecture,
        "classes": list(dataset.labels.classes),
        "preprocessing": "RGB, resized without keeping the aspect (bilinear), (x/255 - mean)/std"
        if len(shape) == 3
        else "features as they are",
        "method": settings.method.model_dump(mode="json", exclude_none=True),
        "start_weights": weights_id(network.weights, network.pretrained, backbone),
    }
    return model, saved, _weights_remarks(settings, backbone)


def _weights_remarks(settings: RunConfig, backbone: str) -> list[str]:
    """What the user should know of the weights that training starts from."""
    network = settings.model
    if backbone in ("none", "digits") or network.pretrained:
        return []
    if network.weights is None:
        return [
            f"{backbone} starts from random weights, which needs very many images. Give "
            "--weights FILE, or --pretrained to fetch weights."
        ]
    assert network.mean is not None
    assert network.std is not None
    used = Statistics(tuple(network.mean), tuple(network.std))
    remark = normalisation_remark(backbone, network.weights, used)
    return [] if remark is None else [remark]
