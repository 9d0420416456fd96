"""Settings by one name each: keyword arguments in Python, options on the command line."""

from collections.abc import Collection, Mapping
from typing import Any

from largeloss.config.models import SECTIONS
from largeloss.errors import ConfigError, meant

RENAMED = {
    ("data", "path"): "data",
    ("method", "name"): "method",
    ("model", "args"): "backbone_args",
}
"""Settings whose name says too little without its section."""


def flat_names() -> dict[str, tuple[str, str]]:
    """Flat name → section and name, for every setting."""
    return {
        RENAMED.get((section, name), name): (section, name)
        for section, model in SECTIONS.items()
        for name in model.model_fields
    }


def nested(values: Mapping[str, Any], own: Collection[str] = ()) -> dict[str, dict[str, Any]]:
    """Keyword arguments as sections.

    Args:
        values: By flat name.
        own: Settings that the chosen method has beside those that all know.

    Raises:
        ConfigError: an unknown name, with what may have been meant.
    """
    names = flat_names() | {name: ("method", name) for name in own}
    sections: dict[str, dict[str, Any]] = {}
    for flat, value in values.items():
        if flat not in names:
            raise ConfigError(f"There is no setting {flat!r}; {meant(flat, names)}")
        section, name = names[flat]
        sections.setdefault(section, {})[name] = value
    return sections
