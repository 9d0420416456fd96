"""Formats of exports, and where they may be written."""

import os
from pathlib import Path

from largeloss.errors import ConfigError

FORMATS = ("onnx", "torch-export", "hub-folder")
_SUFFIXES = {"onnx": ".onnx", "torch-export": ".pt2"}


def check_target(to: str, out: Path) -> None:
    """Makes sure that an export may be written to ``out``; changes nothing.

    Raises:
        ConfigError: no such format, another suffix, no such folder, or a target that exists.
    """
    if to not in FORMATS:
        raise ConfigError(f"There is no export to {to!r}; there are {', '.join(FORMATS)}.")
    suffix = _SUFFIXES.get(to)
    if suffix is not None and out.suffix != suffix:
        raise ConfigError(f"--out of --to {to} must end in {suffix}, got {out}.")
    if not out.parent.is_dir():
        raise ConfigError(f"The folder {out.parent} of --out does not exist.")
    targets = [out] if suffix is None else [out, beside(out)]
    for target in targets:
        if os.path.lexists(target):
            raise ConfigError(f"{target} exists. Choose another --out; nothing was changed.")


def beside(path: Path) -> Path:
    """The file that describes an export of one file."""
    return path.with_name(f"{path.name}.json")
