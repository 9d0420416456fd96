"""Settings that runs share, and the environment they ran in."""

from collections.abc import Mapping, Sequence
from typing import Any

from largeloss.config import RunConfig


def shared_settings(
    configs: Sequence[RunConfig], environment: Mapping[str, Any]
) -> tuple[tuple[str, str], ...]:
    """What all settings have in common, without what was left empty, and the environment."""
    settings = [config.plain() for config in configs]
    sections = [name for name, values in settings[0].items() if isinstance(values, dict)]
    named = {
        f"{section}.{name}": value
        for section in sections
        for name, value in settings[0][section].items()
        if value not in (None, {}, "")
        and all(other[section].get(name) == value for other in settings)
    }
    return tuple((name, str(value)) for name, value in (named | dict(environment)).items())
