"""Whether features, head and label graph fit the logits; before the dictionary remembers them."""

import torch
from torch import Tensor, nn

from largeloss.errors import ConfigError


def check_widths(
    features: Tensor, head: nn.Linear, graph: Tensor | None, shape: torch.Size
) -> None:
    """``shape`` (B, C) is that of the logits.

    Raises:
        ConfigError: they do not fit.
    """
    num_images, num_classes = shape
    if not isinstance(features, Tensor):
        raise ConfigError(
            f"IMCL needs a tensor of features, got {type(features).__name__}: "
            "pass the inputs of the head."
        )
    if features.ndim != 2 or len(features) != num_images:
        raise ConfigError(
            f"IMCL needs features of shape ({num_images}, D), got {tuple(features.shape)}: "
            "pass the inputs of the head."
        )
    if not isinstance(head, nn.Linear):
        raise ConfigError(
            "IMCL needs as head the nn.Linear that gives the logits of the features, got "
            f"{type(head).__name__}: pass the last layer alone."
        )
    if tuple(head.weight.shape) != (num_classes, features.shape[1]):
        raise ConfigError(
            f"IMCL needs a head of {features.shape[1]} inputs and {num_classes} outputs, as many "
            f"as features and logits have, got {head.in_features} and {head.out_features}."
        )
    if graph is not None and len(graph) != num_classes:
        raise ConfigError(
            f"The label graph is of {len(graph)} classes, the logits of {num_classes}: build the "
            "loss with the graph of the classes that are trained."
        )
