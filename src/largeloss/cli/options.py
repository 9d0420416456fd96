"""Options of the commands, made of the settings in :mod:`largeloss.config`."""

import functools
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import typer

from largeloss.config import RunConfig, flat_names, nested
from largeloss.config.models import SECTIONS
from largeloss.errors import ConfigError
from largeloss.files import read_text
from largeloss.presets import SettingsLayers

Data = Annotated[
    Path | None,
    typer.Argument(help="A folder with labels.csv (or .parquet) and images or features."),
]
Complete = Annotated[
    str,
    typer.Option(
        "--complete", help="Also full labels on these shares of the training images: 0.1,0.2,0.4"
    ),
]
Backend = Annotated[
    str,
    typer.Option(
        "--backend",
        help="What computes the network: torch, openvino, onnxruntime, or auto: the fastest by "
        "a short measurement, where there are many images.",
    ),
]
Precision = Annotated[
    str | None,
    typer.Option(
        "--precision",
        help="fp32; bf16; auto: bf16 where that is at least 1.3 times as fast. Default: that "
        "of the model.",
        show_default=False,
    ),
]
COMMON = {
    "preset": Annotated[
        str | None,
        typer.Option("--preset", help="Published settings, see 'largeloss presets': voc2012/ll-r."),
    ],
    "config": Annotated[
        Path | None,
        typer.Option("--config", help="Settings in YAML; command-line options override them."),
    ],
    "sets": Annotated[
        list[str] | None,
        typer.Option("--set", help="Any setting, as section.name=value; may be repeated."),
    ],
}
PANELS = {"data": "Labels", "method": "Method", "model": "Model", "training": "Training"}


def takes_settings(
    *, without: tuple[str, ...] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command the options of settings; they arrive as its argument ``layers``.

    Args:
        without: Flat names of settings for which the command has no option.
    """
    shared = [option for option in _options() if option.name not in without]
    common = [_keyword(name, annotation) for name, annotation in COMMON.items()]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = [p for p in inspect.signature(command).parameters.values() if p.name != "layers"]

        @functools.wraps(command)
        def wrapper(**arguments: Any) -> None:
            values = {option.name: arguments.pop(option.name) for option in shared}
            preset, file, sets = (arguments.pop(name) for name in COMMON)
            given = nested({name: value for name, value in values.items() if value is not None})
            command(layers=SettingsLayers(preset, file, given, tuple(sets or ())), **arguments)

        keywords = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
        # typer reads the signature from here, which the type of a function does not know
        wrapper.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [*keywords, *shared, *common]
        )
        return wrapper

    return decorate


def settings_by_method(
    layers: SettingsLayers, data: Path | None, otherwise: str
) -> Callable[[str], RunConfig]:
    """Gives the settings of a method on ``data``; ``otherwise`` is the error where none is named.

    Raises:
        ConfigError: data is needed; or as of :meth:`.SettingsLayers.made`.
        ConfigError, DataError, LabelError: as of :func:`.check_settings`.
    """
    from largeloss.runs.arguments import check_settings

    def make(method: str) -> RunConfig:
        path = {"data": {"path": str(data)}} if data else {}
        settings = layers.made(over={"method": {"name": method}} | path)
        if settings.needs_data:
            raise ConfigError(otherwise)
        check_settings(settings)
        return settings

    return make


def _options() -> Iterator[inspect.Parameter]:
    """Of the settings that are options, section by section."""
    for flat, (section, name) in flat_names().items():
        field = SECTIONS[section].model_fields[name]
        extra = field.json_schema_extra
        if isinstance(extra, dict) and extra["flag"]:
            usual = None if isinstance(field.default, bool) else field.default
            option = typer.Option(
                f"--{flat.replace('_', '-')}",
                help=f"{field.description}{'' if usual is None else f' Default: {usual}.'}",
                rich_help_panel=PANELS[section],
                show_default=False,
                callback=_listed if _is_list(field.annotation) else None,
            )
            yield _keyword(flat, Annotated[_kind(field.annotation) | None, option])


def _keyword(name: str, annotation: Any) -> inspect.Parameter:
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=None, annotation=annotation)


def _is_list(annotation: Any) -> bool:
    return any(get_origin(part) is list for part in get_args(annotation))


def _kind(annotation: Any) -> Any:
    """What a terminal gives: bool, int, float, str or several; layers check what it means."""
    if _is_list(annotation):
        return list[str]
    parts = [annotation]
    for part in parts:
        parts += get_args(part)  # of a union, of Annotated
    if Path in parts or any(get_origin(part) is Literal for part in parts):
        return str
    return next((kind for kind in (bool, int, float) if kind in parts), str)


def _listed(values: list[str] | None) -> list[str] | None:
    """Names as they are where the option is repeated; one value is a .txt file, or has commas."""
    if not values:
        return None
    if len(values) == 1 and values[0].endswith(".txt"):
        path = Path(values[0])
        try:
            values = read_text(path).removeprefix("\ufeff").splitlines()
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"{path} cannot be read ({error}). Needed: a text file with one name per line."
            ) from None
    elif len(values) == 1:
        values = values[0].split(",")
    return [name.strip() for name in values if name.strip()] or None
