"""Options of the commands, made of the settings in :mod:`largeloss.config`."""

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from largeloss.config import Flag, flags, nested
from largeloss.presets import SettingsLayers

Data = Annotated[
    Path | None,
    typer.Argument(help="A folder with labels.csv (or .parquet) and images or features."),
]
PresetName = Annotated[
    str | None,
    typer.Option("--preset", help="Published settings, see 'largeloss presets': voc2012/ll-r."),
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Settings in YAML; options go before it.")
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", help="Any setting, as section.name=value; may be repeated."),
]
PANELS = {"data": "Labels", "method": "Method", "model": "Model", "training": "Training"}


def takes_settings(
    *, without: tuple[str, ...] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command the options of settings; they arrive as its argument ``layers``.

    Args:
        without: Flat names of settings for which the command has no option.
    """
    shared = [flag for flag in flags() if flag.name not in without]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = [p for p in inspect.signature(command).parameters.values() if p.name != "layers"]

        @functools.wraps(command)
        def wrapper(**arguments: Any) -> None:
            values = {flag.name: _value(flag, arguments.pop(flag.name)) for flag in shared}
            preset, file, sets = (arguments.pop(name) for name in ("preset", "config", "sets"))
            given = nested({name: value for name, value in values.items() if value is not None})
            command(layers=SettingsLayers(preset, file, given, tuple(sets or ())), **arguments)

        parameters = [*own, *map(_parameter, shared), *_common()]
        keywords = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
        # typer reads the signature from here, which the type of a function does not know
        wrapper.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]
        return wrapper

    return decorate


def _parameter(flag: Flag) -> inspect.Parameter:
    option = typer.Option(
        f"--{flag.name.replace('_', '-')}",
        help=flag.help,
        rich_help_panel=PANELS[flag.section],
        show_default=False,
    )
    annotation = Annotated[flag.kind | None, option]  # type: ignore[name-defined]  # at run time
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(flag.name, kind, default=None, annotation=annotation)


def _common() -> list[inspect.Parameter]:
    kinds = {"preset": PresetName, "config": ConfigFile, "sets": Sets}
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in kinds.items()
    ]


def _value(flag: Flag, value: Any) -> Any:
    if flag.is_list and value is not None:
        return [part.strip() for part in value.split(",") if part.strip()] or None
    return value
