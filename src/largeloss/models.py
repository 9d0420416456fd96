"""Backbone, global pooling and a linear head; class activation maps from the same module."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, cast

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from largeloss.errors import ConfigError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class Output(NamedTuple):
    """What the model makes of a batch."""

    logits: Tensor
    """(B, C)."""
    features: Tensor
    """(B, D): what the head sees."""


class SmallConvNet(nn.Module):
    """Four convolution blocks (16, 32, 64, 64 channels), for small images."""

    num_features = 64

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 16, 32, 64, 64)
        blocks: list[nn.Module] = []
        for index, (inward, outward) in enumerate(pairwise(widths)):
            blocks += [
                nn.Conv2d(inward, outward, 3, padding=1, bias=False),
                nn.BatchNorm2d(outward),
                nn.ReLU(),
            ]
            if index < 3:
                blocks.append(nn.MaxPool2d(2))
        self.blocks = nn.Sequential(*blocks)

    def forward_features(self, images: Tensor) -> Tensor:
        """(B, 64, h, w) maps."""
        return cast(Tensor, self.blocks(images))

    def forward_head(self, maps: Tensor, pre_logits: bool = True) -> Tensor:
        """(B, 64): the maps' maxima."""
        return maps.amax(dim=(2, 3))


class FeatureInput(nn.Module):
    """Backbone ``none``: inputs are features; with ``hidden`` units, a small MLP over them."""

    def __init__(self, num_inputs: int, hidden: int = 0) -> None:
        super().__init__()
        self.num_features = hidden or num_inputs
        layers = [nn.Linear(num_inputs, hidden), nn.ReLU()] if hidden else []
        self.layers = nn.Sequential(*layers)

    def forward_features(self, inputs: Tensor) -> Tensor:
        """(B, D)."""
        return cast(Tensor, self.layers(inputs))

    def forward_head(self, features: Tensor, pre_logits: bool = True) -> Tensor:
        """(B, D), unchanged."""
        return features


def full_precision(device: torch.device) -> AbstractContextManager[Any]:
    """Within it nothing is computed in half precision. Entering autocast costs more than a small
    head does, so that it is only done where it is needed."""
    if torch.is_autocast_enabled(device.type):
        return torch.autocast(device.type, enabled=False)
    return nullcontext()


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
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone: nn.Module,
        num_classes: int,
        mean: Tensor,
        std: Tensor,
        pixels: bool,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        shape, scale = ((-1, 1, 1), 255) if pixels else ((-1,), 1)
        self.register_buffer("mean", mean.float().reshape(shape) * scale)
        self.register_buffer("std", std.float().reshape(shape) * scale)
        self.backbone = backbone
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.head = nn.Linear(_num_features(backbone), num_classes)
        # Convolutions are faster on images whose channels lie together in memory.
        self.memory_format = torch.channels_last if pixels else torch.contiguous_format
        self.to(memory_format=self.memory_format)

    def maps(self, inputs: Tensor) -> Tensor:
        """What the backbone makes of normalised inputs, before pooling."""
        normal = inputs.to(self.mean.dtype, memory_format=self.memory_format, copy=True)
        normal = normal.sub_(self.mean).div_(self.std)
        return cast(Tensor, cast(Any, self.backbone).forward_features(normal))

    def pooled(self, inputs: Tensor) -> Tensor:
        """(B, D): pooled features, before dropout."""
        pooled = cast(Any, self.backbone).forward_head(self.maps(inputs), pre_logits=True)
        return cast(Tensor, pooled)

    def features(self, inputs: Tensor) -> Tensor:
        """(B, D): what the head sees."""
        return cast(Tensor, self.dropout(self.pooled(inputs)))

    def logits(self, features: Tensor) -> Tensor:
        """(B, C) of features (B, D)."""
        # Never in half precision: rounded logits tie, and ties decide what is selected.
        with full_precision(features.device):
            return cast(Tensor, self.head(features.to(self.head.weight.dtype)))

    @contextmanager
    def scoring(self, with_dropout: bool = False) -> Iterator[None]:
        """Evaluation mode, for a while; with dropout still at work where asked for."""
        was_training = self.training
        self.eval()
        self.dropout.train(with_dropout)
        try:
            yield
        finally:
            self.train(was_training)

    def forward(self, inputs: Tensor) -> Output:
        features = self.features(inputs)
        return Output(self.logits(features), features)

    def class_activation_maps(self, inputs: Tensor) -> Tensor:
        """(B, C, h, w): the head's weights as a 1×1 convolution over the last maps, no bias.

        Raises:
            ConfigError: the backbone has no such maps, or layers between them and the head.

        Source: Zhou et al., CVPR 2016.
        """
        maps = self.maps(inputs)
        if maps.ndim != 4 or maps.shape[1] != self.head.in_features:
            raise ConfigError(
                "Class activation maps need a backbone whose last feature maps (B, D, h, w) are "
                f"pooled straight into the head, of {self.head.in_features} features; this one "
                f"gives {tuple(maps.shape)}."
            )
        return torch.einsum("bdhw,cd->bchw", maps, self.head.weight)


def build_classifier(
    backbone: str,
    num_classes: int,
    sample_shape: Sequence[int],
    *,
    backbone_args: Mapping[str, Any] | None = None,
    hidden: int = 0,
    weights: Path | None = None,
    pretrained: bool = False,
    mean: Sequence[float] = IMAGENET_MEAN,
    std: Sequence[float] = IMAGENET_STD,
    dropout: float = 0.0,
) -> Classifier:
    """Builds a classifier.

    Args:
        backbone: Any name of timm's, ``digits`` (a small network), or ``none`` for features.
        num_classes: C.
        sample_shape: Of one input: (3, H, W) or (D,).
        backbone_args: Passed to timm, for example ``{"pad_type": "same"}``.
        hidden: Units of a hidden layer over features; 0 is a linear model.
        weights: A safetensors file of the backbone, keys as timm names them.
        pretrained: Whether timm may fetch weights from its hub.
        mean, std, dropout: See :class:`Classifier`.

    Raises:
        ConfigError: an unknown backbone or argument, or weights that do not fit.
    """
    pixels = len(sample_shape) == 3
    statistics = torch.tensor(mean), torch.tensor(std)
    if not pixels or backbone == "none":
        if pixels or backbone != "none":
            raise ConfigError(
                f"Backbone {backbone!r} does not go with inputs of shape {tuple(sample_shape)}: "
                "images need a backbone, features the backbone 'none'."
            )
        inputs = FeatureInput(sample_shape[0], hidden)
        return Classifier(inputs, num_classes, *statistics, pixels=False, dropout=dropout)
    if hidden:
        raise ConfigError("hidden is for features (backbone 'none'); images have a backbone.")
    network = SmallConvNet() if backbone == "digits" else _timm(backbone, backbone_args, pretrained)
    if weights is not None:
        load_backbone(network, weights)
    model = Classifier(network, num_classes, *statistics, pixels=True, dropout=dropout)
    _try(model.eval(), backbone, sample_shape)
    return model.train()


def _try(model: Classifier, backbone: str, sample_shape: Sequence[int]) -> None:
    try:
        with torch.no_grad():
            model(torch.zeros(1, *sample_shape, dtype=torch.uint8))
    except (AssertionError, RuntimeError, ValueError) as error:
        raise ConfigError(
            f"Backbone {backbone!r} does not take images of {tuple(sample_shape[1:])} pixels: "
            f"{error} Choose another --image-size."
        ) from None


def load_backbone(network: nn.Module, path: Path) -> None:
    """Loads a backbone's weights; a classifier in the file is left out.

    Raises:
        ConfigError: the file is missing, no safetensors file, or of another network.
    """
    if not path.is_file():
        raise ConfigError(f"There is no weights file {path}.")
    try:
        state = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ConfigError(
            f"{path} cannot be read as safetensors ({error}). Only safetensors files are loaded, "
            "since pickled weights can run code; convert others with safetensors.torch.save_file."
        ) from None
    expected = network.state_dict()
    missing = sorted(set(expected) - set(state))
    wrong = [
        name for name in expected.keys() & state.keys() if expected[name].shape != state[name].shape
    ]
    if missing or wrong:
        raise ConfigError(
            f"{path} does not fit this backbone: {len(missing)} tensors are missing, for example "
            f"{missing[:3]}; {len(wrong)} have another shape, for example {sorted(wrong)[:3]}. "
            "Name the backbone that the weights were made for."
        )
    network.load_state_dict({name: state[name] for name in expected})


def weights_id(path: Path | None, pretrained: bool, backbone: str) -> str:
    """Which weights training starts from, for the record."""
    if path is not None:
        return f"{path.name} sha256:{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
    if pretrained:
        tag = timm.get_pretrained_cfg(backbone)
        return f"timm:{backbone}.{tag.tag if tag else 'default'}"
    return "none (random)"


def parameter_groups(model: Classifier, lr: float, head_lr_factor: float) -> list[dict[str, Any]]:
    """The backbone at ``lr``; the head, or all of a model over features, at ``lr`` × the factor."""
    head = list(
        model.parameters() if isinstance(model.backbone, FeatureInput) else model.head.parameters()
    )
    known = {id(parameter) for parameter in head}
    body = [parameter for parameter in model.parameters() if id(parameter) not in known]
    groups = [{"params": body, "lr": lr}, {"params": head, "lr": lr * head_lr_factor}]
    return [group for group in groups if group["params"]]


def _timm(name: str, arguments: Mapping[str, Any] | None, pretrained: bool) -> nn.Module:
    if not timm.is_model(name):
        near = timm.list_models(f"*{name.split('_')[0]}*")[:5]
        hint = f" Did you mean one of {', '.join(near)}?" if near else ""
        raise ConfigError(f"timm has no backbone {name!r}.{hint}")
    try:
        network: nn.Module = timm.create_model(
            name, pretrained=pretrained, num_classes=0, **(arguments or {})
        )
    except Exception as error:  # of many kinds: arguments, tags, a hub that cannot be reached
        raise ConfigError(f"Backbone {name!r} cannot be built: {error}") from None
    return network


def _num_features(backbone: nn.Module) -> int:
    return int(getattr(backbone, "head_hidden_size", None) or cast(Any, backbone).num_features)
