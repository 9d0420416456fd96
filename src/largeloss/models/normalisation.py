"""What images are normalised with: statistics noted in a weights file, else timm's."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from safetensors import SafetensorError, safe_open

from largeloss.errors import ConfigError
from largeloss.files import loaded_json
from largeloss.models.backbones import OWN_BACKBONES, check_backbone


class Statistics(NamedTuple):
    """Of the channels red, green and blue, on the scale from 0 to 1."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __str__(self) -> str:
        """``mean 0.5, 0.5, 0.5 and std 0.5, 0.5, 0.5``."""
        mean, std = (", ".join(f"{number:g}" for number in part) for part in self)
        return f"mean {mean} and std {std}"


IMAGENET = Statistics((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def usual_statistics(backbone: str) -> Statistics:
    """Those of timm's own weights for a backbone; ImageNet's where timm has none.

    Raises:
        ConfigError: there is no such backbone.
    """
    check_backbone(backbone)
    if backbone in OWN_BACKBONES:
        return IMAGENET
    import timm

    known = timm.get_pretrained_cfg(backbone)
    if known is None or len(known.mean) != 3 or len(known.std) != 3:
        return IMAGENET
    return Statistics(tuple(known.mean), tuple(known.std))


def noted_statistics(weights: Path) -> Statistics | None:
    """Those in the metadata of a safetensors file: JSON lists under ``mean`` and ``std``.

    None where it has none, or cannot be read (which :func:`.load_backbone` refuses).

    Raises:
        ConfigError: they are not three numbers each, or a deviation is not above 0.
    """
    if not weights.is_file():
        return None
    try:
        with safe_open(weights, framework="pt") as file:
            noted = file.metadata() or {}
    except (SafetensorError, OSError):
        return None
    if not {"mean", "std"} & noted.keys():
        return None
    try:
        mean, std = (tuple(map(float, loaded_json(noted[name]))) for name in ("mean", "std"))
    except (KeyError, ValueError, TypeError):
        mean, std = (), ()
    if not (len(mean) == len(std) == 3 and all(map(math.isfinite, mean + std)) and min(std) > 0):
        found = " and ".join(f"{name} {noted.get(name)!r:.60}" for name in ("mean", "std"))
        raise ConfigError(
            f"{weights}: its metadata must hold 'mean' and 'std' as JSON lists of three numbers "
            f'(std above 0), as in "[0.5, 0.5, 0.5]", but has {found}. Write the file again with '
            "safetensors.torch.save_file."
        )
    return Statistics(mean, std)


def normalisation_remarks(
    backbone: str, weights: Path, mean: Sequence[float] | None, std: Sequence[float] | None
) -> list[str]:
    """What the user should know of the statistics used with a weights file of a backbone."""
    assert mean is not None  # in resolved settings
    assert std is not None
    used, noted = Statistics(tuple(mean), tuple(std)), noted_statistics(weights)
    if noted is None and used == usual_statistics(backbone):
        return [
            f"{weights.name} does not say what its images were normalised with. Assumed, as timm "
            f"has it for {backbone}: {used}. If that is wrong, every result is worse; set what is "
            "right, for example --set 'model.mean=[0.5,0.5,0.5]' --set 'model.std=[0.5,0.5,0.5]' "
            "--set model.args.pad_type=same (padding as in TensorFlow)."
        ]
    if noted is not None and used != noted:
        return [f"{weights.name} names {noted}; the settings say otherwise, and {used} are used."]
    return []
