"""Layers of settings (files, ``--set a.b=c``, options) merged to one :class:`RunConfig`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from largeloss.config.models import SECTIONS, RunConfig
from largeloss.errors import ConfigError, meant


def make_config(
    layers: Sequence[Mapping[str, Any]], sets: Sequence[str] = (), source: str = "The settings"
) -> RunConfig:
    """Merges nested settings, later ones over earlier ones, then ``a.b=c`` assignments.

    Raises:
        ConfigError: an unknown name (with what may have been meant) or a wrong value.
    """
    try:
        return RunConfig.model_validate(merged(layers, sets))
    except ValidationError as error:
        problems = "\n".join(f"  {_explained(dict(e))}" for e in error.errors())
        raise ConfigError(f"{source} cannot be used:\n{problems}") from None


def read_yaml(path: Path) -> dict[str, Any]:
    """Reads a settings file.

    Raises:
        ConfigError: missing, not YAML, or not a mapping.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"There is no settings file {path}.") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} cannot be read as YAML: {error}") from None
    if not isinstance(content, dict):
        raise ConfigError(
            f"{path} must hold sections ({', '.join(SECTIONS)}), got {type(content).__name__}."
        )
    return content


def merged(layers: Sequence[Mapping[str, Any]], sets: Sequence[str] = ()) -> dict[str, Any]:
    """Nested settings and ``a.b=c`` assignments, later ones over earlier ones."""
    return deep_merged(*layers, *(_assignment(text) for text in sets))


def deep_merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Nested settings, later ones over earlier ones, as a new mapping."""
    result: dict[str, Any] = {}
    for layer in layers:
        for name, value in layer.items():
            if isinstance(value, Mapping):
                below = result.get(name)
                value = deep_merged(below if isinstance(below, Mapping) else {}, value)
            result[name] = value
    return result


def _assignment(text: str) -> dict[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ConfigError(f"--set needs section.name=value, got {text!r}.")
    try:
        nested: Any = yaml.safe_load(value) if value else None
    except yaml.YAMLError:
        raise ConfigError(f"--set {text!r}: the value cannot be read as YAML.") from None
    for part in reversed(name.strip().split(".")):
        nested = {part: nested}
    return dict(nested)


def _explained(error: dict[str, Any]) -> str:
    location = ".".join(str(part) for part in error["loc"])
    if error["type"] != "extra_forbidden":
        return f"{location}: {error['msg']}, got {error['input']!r}"
    *above, name = map(str, error["loc"])
    known = SECTIONS[above[0]].model_fields if above else SECTIONS
    return f"{location}: there is no such setting; {meant(name, known)}"
