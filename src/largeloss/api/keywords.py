"""Keyword arguments become settings."""

import inspect
from collections.abc import Callable, Collection, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from largeloss.config import RunConfig, merged
from largeloss.config.flat import flat_names, nested
from largeloss.config.models import SECTIONS
from largeloss.errors import ConfigError
from largeloss.experiments.variant import Variant
from largeloss.losses import settings_of
from largeloss.presets import SettingsLayers
from largeloss.runs.arguments import check_settings

AnyPath = str | PathLike[str]
Called = TypeVar("Called", bound=Callable[..., Any])


def takes_settings(function: Called) -> Called:
    """Lists all settings in a function's signature and docstring."""
    signature = inspect.signature(function)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    lines, parameters = [], {parameter.name: parameter for parameter in own}
    for flat, (section, name) in flat_names().items():
        if flat not in parameters:
            field = SECTIONS[section].model_fields[name]
            lines.append(f"        {flat}: {field.description}")
            parameters[flat] = inspect.Parameter(
                flat,
                inspect.Parameter.KEYWORD_ONLY,
                default=field.get_default(call_default_factory=True),
                annotation=field.annotation,
            )
    shown = signature.replace(parameters=list(parameters.values()))
    # help() and editors read the signature from here, which the type of a function does not know
    function.__signature__ = shown  # type: ignore[attr-defined]
    function.__doc__ = f"{function.__doc__}\n    Settings:\n" + "\n".join(lines) + "\n"
    return function


def layers_of(
    data: AnyPath | None,
    preset: str | None,
    config: AnyPath | RunConfig | None,
    settings: dict[str, Any],
    methods: Sequence[str] = (),
) -> SettingsLayers:
    """Keyword arguments as layers of settings."""
    if data is not None:
        settings = settings | {"data": Path(data)}
    if not isinstance(config, RunConfig | str | PathLike | None):
        raise ConfigError(
            "config must be the path of a YAML file, or settings such as those of an earlier run "
            f"(run.settings), but got {type(config).__name__}. Give single settings as arguments."
        )
    if (
        isinstance(methods, str)
        or not isinstance(methods, Collection)
        or not all(isinstance(text, str) for text in methods)
    ):
        raise ConfigError(
            f'methods must be a list of names, as in methods=["an"], but got {methods!r}.'
        )
    file = None if config is None or isinstance(config, RunConfig) else Path(config)
    layers = SettingsLayers(preset, file)
    known = {name: value for name, value in settings.items() if name in flat_names()}
    own: set[str] = set()
    if len(known) < len(settings):  # of the method alone, or a mistake
        chosen = layers._replace(options=nested(known)).made(under(config)).method.name
        names = [Variant.parse(text).method for text in methods] or [chosen]
        own = {setting for name in names for setting in settings_of(name)}
    return layers._replace(options=nested(settings, own))


def under(config: AnyPath | RunConfig | None) -> dict[str, Any]:
    return config.plain() if isinstance(config, RunConfig) else {}


def resumed(folder: Path, layers: SettingsLayers, config: AnyPath | RunConfig | None) -> RunConfig:
    """The settings that a run was begun with; all that is given must be among them.

    Raises:
        ConfigError, CheckpointError: as of :func:`.saved_settings`.
    """
    from largeloss.runs.moved import resumed_settings  # it brings torch
    from largeloss.runs.settings import saved_settings

    given = {}
    if isinstance(config, RunConfig):
        given = config.model_dump(mode="json", exclude_unset=True)
    return resumed_settings(folder, layers.made(merged([saved_settings(folder).plain(), given])))


def settings_by_method(
    layers: SettingsLayers, config: AnyPath | RunConfig | None
) -> Callable[[str], RunConfig]:
    """Gives the settings of a method, after a look at what they name."""

    def make(method: str) -> RunConfig:
        made = layers.made(under(config), {"method": {"name": method}})
        check_data(made)
        check_settings(made)
        return made

    return make


def check_data(settings: RunConfig) -> None:
    if settings.needs_data:
        raise ConfigError(
            'Data is needed: a folder with labels.csv and images, as in train("photos/"). For a '
            'first look without data: train(preset="digits/ll-r").'
        )
