"""The network of a run."""

from collections.abc import Sequence
from typing import Any

from largeloss.config import RunConfig
from largeloss.errors import ConfigError
from largeloss.models import Classifier, build_classifier, weights_id


def make_network(
    settings: RunConfig, sample_shape: Sequence[int], num_classes: int
) -> tuple[Classifier, dict[str, Any]]:
    """The network of resolved settings for inputs of a shape, and its architecture.

    Raises:
        ConfigError: network, weights and inputs do not go together.
    """
    network, pixels = settings.model, len(sample_shape) == 3
    backbone = _backbone(settings, sample_shape)
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
    if network.head == "boost":
        architecture["alpha"] = network.alpha
    model = build_classifier(
        num_classes=num_classes,
        weights=network.weights,
        pretrained=network.pretrained,
        **architecture,
    )
    return model, architecture


def start_weights(settings: RunConfig, sample_shape: Sequence[int]) -> str:
    """Which weights training starts from, for the record: a file by its content."""
    network = settings.model
    return weights_id(network.weights, network.pretrained, _backbone(settings, sample_shape))


def _backbone(settings: RunConfig, sample_shape: Sequence[int]) -> str:
    return settings.model.backbone if len(sample_shape) == 3 else "none"
