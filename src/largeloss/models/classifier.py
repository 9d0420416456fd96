"""Backbone, global pooling and a linear head; class activation maps from the same module."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from largeloss.autocast import full_precision, half_precision
from largeloss.errors import ConfigError


class Output(NamedTuple):
    """The output of the model for a batch."""

    logits: Tensor
    """(B, C)."""
    features: Tensor
    """(B, D): the inputs of the head."""


class BoostedHead(nn.Linear):
    """A linear layer at each place of the maps, whose positive activations count alpha times.

    The logits are the mean over the places; with alpha 1 they are those of the mean of the maps.

    Source: Kim et al., CVPR 2023 (BoostLU), https://arxiv.org/abs/2304.01804.
    """

    def __init__(self, num_features: int, num_classes: int, alpha: float) -> None:
        super().__init__(num_features, num_classes)
        self.alpha = alpha

    def boosted(self, maps: Tensor) -> Tensor:
        """(B, C, h, w): activations, of maps (B, D, h, w)."""
        activations = super().forward(maps.movedim(1, 3)).movedim(3, 1)
        return torch.where(activations > 0, self.alpha * activations, activations)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, C) logits."""
        return self.boosted(maps).mean(dim=(2, 3))


class Classifier(nn.Module):
    """Normalisation, backbone, global pooling, linear head.

    Args:
        backbone: Has ``forward_features``, ``forward_head(…, pre_logits=True)`` and
            ``num_features``, as timm's models do.
        num_classes: C.
        mean, std: Of the inputs: three numbers for images, on the scale from 0 to 1; D numbers
            for features.
        pixels: Whether inputs are images (uint8, 0 to 255).
        dropout: Share of the features that training hides from the head.
        alpha: For a :class:`BoostedHead` over the backbone's maps in place of pooling and a linear
            layer.
    """

    mean: Tensor
    std: Tensor
    scored_in_bf16 = False
    """Whether the backbone computes in bfloat16 within :meth:`scoring`: never while it is trained,
    and afterwards only where its head was trained on such features."""

    def __init__(
        self,
        backbone: nn.Module,
        num_classes: int,
        mean: Tensor,
        std: Tensor,
        pixels: bool,
        dropout: float = 0.0,
        alpha: float | None = None,
    ) -> None:
        super().__init__()
        shape, scale = ((-1, 1, 1), 255) if pixels else ((-1,), 1)
        self.register_buffer("mean", mean.float().reshape(shape) * scale)
        self.register_buffer("std", std.float().reshape(shape) * scale)
        self.backbone = backbone
        hide = nn.Dropout if alpha is None else nn.Dropout2d
        self.dropout = hide(dropout) if dropout else nn.Identity()
        width = getattr(backbone, "head_hidden_size", None) or backbone.num_features
        num_features = cast(int, width)
        self.head = (
            nn.Linear(num_features, num_classes)
            if alpha is None
            else BoostedHead(num_features, num_classes, alpha)
        )
        # Convolutions are faster on images whose channels lie together in memory.
        self.memory_format = torch.channels_last if pixels else torch.contiguous_format
        self.to(memory_format=self.memory_format)
        self._maps_are_pooled: bool | None = None  # not looked at yet

    def maps(self, inputs: Tensor) -> Tensor:
        """Output of the backbone for inputs, which are normalised first; before pooling."""
        normal = inputs.to(self.mean.dtype, memory_format=self.memory_format, copy=True)
        normal = normal.sub_(self.mean).div_(self.std)
        return cast(Tensor, cast(Any, self.backbone).forward_features(normal))

    def pooled(self, inputs: Tensor) -> Tensor:
        """The inputs of the head, before dropout: (B, D), or a boosted head's maps (B, D, h, w)."""
        maps = self.maps(inputs)
        if isinstance(self.head, BoostedHead):
            return maps
        return cast(Tensor, cast(Any, self.backbone).forward_head(maps, pre_logits=True))

    def features(self, inputs: Tensor) -> Tensor:
        """(B, D): the inputs of the head; of a boosted one the mean of its maps."""
        return _one_place(self.dropout(self.pooled(inputs)))

    def logits(self, features: Tensor) -> Tensor:
        """(B, C) of the inputs of the head."""
        # Never in half precision: rounded logits tie, and ties decide what is selected.
        with full_precision(features.device):
            return cast(Tensor, self.head(features.to(self.head.weight.dtype)))

    @contextmanager
    def scoring(self, with_dropout: bool = False, bf16: bool | None = None) -> Iterator[None]:
        """Evaluation mode, for a while; with dropout still at work where asked for. All figures,
        features and tags are computed within it, so that they are of one precision: that of the
        model, unless ``bf16`` says another."""
        was_training = self.training
        self.eval()
        self.dropout.train(with_dropout)
        try:
            with half_precision(self.mean.device, self.scored_in_bf16 if bf16 is None else bf16):
                yield
        finally:
            self.train(was_training)

    def forward(self, inputs: Tensor) -> Output:
        features = self.dropout(self.pooled(inputs))
        return Output(self.logits(features), _one_place(features))

    def class_activation_maps(self, inputs: Tensor) -> Tensor:
        """(B, C, h, w): the head's weights as a 1×1 convolution over the last maps, no bias.

        Those of a boosted head are its activations, bias included: their means are the logits.
        That pooling the backbone's maps gives the inputs of the head is checked once, for the
        first images.

        Raises:
            ConfigError: the backbone has no such maps, or layers between them and the head.

        Source: Zhou et al., CVPR 2016.
        """
        maps = self.maps(inputs)
        if not self.pools_into_head(maps):
            raise ConfigError(
                "Class activation maps need a backbone whose last feature maps (B, D, h, w) are "
                f"pooled straight into the head, of {self.head.in_features} features, without a "
                "normalisation or layers in between. This one gives "
                f"{tuple(getattr(maps, 'shape', ()))}, and pooling them does not give the logits. "
                "ResNets, DenseNets and MobileNetV2 have such maps."
            )
        if isinstance(self.head, BoostedHead):
            return self.head.boosted(maps)
        return torch.einsum("bdhw,cd->bchw", maps, self.head.weight)

    def pools_into_head(self, maps: Tensor) -> bool:
        """Whether the backbone's ``maps``, pooled, are the inputs of the head; looked at once."""
        if self._maps_are_pooled is None:
            self._maps_are_pooled = self._pooled_into_head(maps)
        return self._maps_are_pooled

    @torch.no_grad()
    def _pooled_into_head(self, maps: Tensor) -> bool:
        """Whether the pooling that the backbone declares makes the inputs of the head of its maps.

        The weights of the head on what is pooled, and its bias, are then the logits.
        """
        if not (isinstance(maps, Tensor) and maps.ndim == 4):
            return False
        if maps.shape[1] != self.head.in_features:
            return False
        named = self.backbone.named_modules()
        declared = [module for name, module in named if name.split(".")[-1] == "global_pool"]
        pool = declared[-1] if declared else nn.AdaptiveAvgPool2d(1)
        features = cast(Tensor, cast(Any, self.backbone).forward_head(maps, pre_logits=True))
        pooled = cast(Tensor, pool(maps)).flatten(1)
        return bool((pooled - features).norm() <= 1e-3 * features.norm())  # NaN: no


def _one_place(features: Tensor) -> Tensor:
    """(B, D): features as they are, or the mean of maps."""
    return features.mean(dim=(2, 3)) if features.ndim == 4 else features
