"""Backbones: timm's by name, a small network for digit scenes, and features as they are."""

import difflib
import hashlib
import inspect
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from largeloss.errors import ConfigError, meant
from largeloss.files import check_regular


class _Maximum(nn.Module):
    """Global pooling: of each map (h, w) the maximum."""

    def forward(self, maps: Tensor) -> Tensor:
        return maps.amax(dim=(2, 3))


_BATCH_NORM = ("bn_eps", "bn_momentum", "bn_tf")
"""Arguments that timm's functions take beside those of the networks."""
_OURS = frozenset({"num_classes", "in_chans", "cfg", "device", "dtype", "args", "kwargs"})
"""Not for others to set."""


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
        self.global_pool = _Maximum()

    def forward_features(self, images: Tensor) -> Tensor:
        """(B, 64, h, w) maps."""
        return cast(Tensor, self.blocks(images))

    def forward_head(self, maps: Tensor, pre_logits: bool = True) -> Tensor:
        """(B, 64): the maps' maxima."""
        return cast(Tensor, self.global_pool(maps))


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


OWN_BACKBONES = ("digits", "none")
"""Those that are not timm's."""


def check_backbone(name: str) -> None:
    """Refuses a backbone that there is not.

    Raises:
        ConfigError: so it is; the message has the nearest name, or where to find all.
    """
    architecture, _, tag = name.partition(".")
    if name in OWN_BACKBONES:
        return
    import timm  # slow to import: it brings torchvision

    if not timm.is_model(architecture):
        near = meant(name, [*OWN_BACKBONES, *timm.list_models()])
        hint = near if near.startswith("did") else "timm.list_models() has all names."
        raise ConfigError(f"timm has no backbone {name!r}; {hint}")
    try:
        timm.get_pretrained_cfg(name)
    except RuntimeError:
        tags = [full.partition(".")[2] for full in timm.list_pretrained(f"{architecture}.*")]
        raise ConfigError(
            f"timm has no weights {tag!r} of {architecture}; {meant(tag, tags)}"
        ) from None


def timm_backbone(name: str, arguments: Mapping[str, Any] | None, pretrained: bool) -> nn.Module:
    import timm

    check_backbone(name)
    given = dict(arguments or {})
    _check_arguments(name, given)
    try:
        with _few_retries_told():
            network: nn.Module = timm.create_model(
                name, pretrained=pretrained, num_classes=0, **given
            )
    except Exception as error:  # of many kinds: arguments, tags, a hub that cannot be reached
        way_out = (
            " If the hub cannot be reached: --weights FILE takes a safetensors file of the weights "
            "that you have, in place of --pretrained."
        )
        raise ConfigError(
            f"Backbone {name!r} cannot be built: {error}{way_out if pretrained else ''}"
        ) from None
    return network


@contextmanager
def _few_retries_told() -> Iterator[None]:
    """Of the hub's client, which tells of every attempt twice, the first two lines are enough."""
    told: list[logging.LogRecord] = []

    def is_new(record: logging.LogRecord) -> bool:
        told.append(record)
        return len(told) <= 2

    client = logging.getLogger("huggingface_hub.utils._http")
    client.addFilter(is_new)
    try:
        yield
    finally:
        client.removeFilter(is_new)


def _check_arguments(name: str, given: Mapping[str, Any]) -> None:
    """Refuses what is no plain value for the network itself: timm takes files and addresses, too.

    The parameters of the networks in timm's module of that name are passed on, and nothing else.
    """
    import timm

    module = sys.modules[timm.model_entrypoint(name).__module__]
    classes = [value for value in vars(module).values() if inspect.isclass(value)]
    networks = {
        base
        for network in classes
        if issubclass(network, nn.Module)
        for base in network.__mro__
        if base.__module__.startswith("timm.models.")
    }
    known = set(_BATCH_NORM)
    for network in networks:
        known |= set(inspect.signature(network).parameters)
    known -= _OURS | set(inspect.signature(timm.create_model).parameters)
    for argument, value in given.items():
        parts = value if isinstance(value, list | tuple) else [value]
        if argument not in known:
            near = difflib.get_close_matches(argument, known, n=1)
            raise ConfigError(
                f"Backbone {name!r} has no argument {argument!r} that can be set."
                + (f" Did you mean {near[0]!r}?" if near else "")
            )
        if not all(part is None or isinstance(part, bool | int | float | str) for part in parts):
            raise ConfigError(
                f"Backbone {name!r}: {argument!r} must be a number, a text, true, false or a list "
                f"of these, but is {value!r}."
            )


def load_backbone(network: nn.Module, path: Path) -> None:
    """Loads a backbone's weights; a classifier in the file is left out.

    Raises:
        ConfigError: the file is missing, no safetensors file, or of another network.
    """
    if not path.is_file():
        raise ConfigError(f"There is no weights file {path}.")
    try:
        check_regular(path)
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
        what = [
            f"{len(names)} of {len(expected)} tensors {are}, for example {', '.join(names[:3])}"
            for names, are in ((missing, "are missing"), (sorted(wrong), "have another shape"))
            if names
        ]
        raise ConfigError(
            f"{path} does not fit this backbone: {'; '.join(what)}. "
            "Name the backbone that the weights were made for."
        )
    network.load_state_dict({name: state[name] for name in expected})


def weights_id(path: Path | None, pretrained: bool, backbone: str) -> str:
    """Which weights training starts from, for the record."""
    if path is not None:
        return f"{path.name} sha256:{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
    if pretrained:
        import timm

        tag = timm.get_pretrained_cfg(backbone)
        return f"timm:{backbone}.{tag.tag if tag else 'default'}"
    return "none (random)"
