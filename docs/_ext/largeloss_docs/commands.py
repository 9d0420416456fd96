"""Every command with its arguments and options, as the command line itself has them."""

from collections.abc import Iterator
from typing import Any, get_args

import typer

from largeloss.cli import app
from largeloss.config import flat_names
from largeloss.config.models import SECTIONS
from largeloss_docs.markdown import cell, code, prose, table
from largeloss_docs.settings import words

ENDS = {"--help"}
"""Options that every command has."""


def tree(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The commands that can be called, with their full names."""
    below = getattr(command, "commands", None)
    if below is None:
        yield name, command
    for word, one in (below or {}).items():
        yield from tree(one, f"{name} {word}")


def of_settings() -> dict[str, str]:
    """Option → ``section.name`` for the settings that are options."""
    return {
        f"--{flat.replace('_', '-')}": f"{section}.{name}"
        for flat, (section, name) in flat_names().items()
        if isinstance(extra := SECTIONS[section].model_fields[name].json_schema_extra, dict)
        and extra["flag"]
    }


def markdown() -> str:
    """A section for each command."""
    command = typer.main.get_command(app)
    found = tree(command, "largeloss")
    return "\n\n".join(part for name, one in found for part in _section(name, one)) + "\n"


def _section(name: str, command: Any) -> Iterator[str]:
    yield f"## `{name}`"
    yield prose(command.help or "")
    settings = of_settings()
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option"]
    shared = [one for one in options if _takes_settings(options) and one.opts[0] in settings]
    words = [_metavar(one) for one in arguments]
    yield f"```text\n{' '.join([name, *words, '[OPTIONS]'])}\n```"
    if arguments:
        yield table(
            ("argument", "meaning"), [(code(_metavar(one)), _help(one)) for one in arguments]
        )
    own = [one for one in options if one not in shared and one.opts[0] not in ENDS]
    if own:
        rows = [(_names(one), _value(one), _default(one), _help(one)) for one in own]
        yield table(("option", "value", "default", "meaning"), rows)
    if shared:
        links = (
            f"[`{one.opts[0]}`](settings.md#{settings[one.opts[0]].replace('.', '')})"
            for one in shared
        )
        yield f"Settings of a run that are options, too: {', '.join(links)}."


def _takes_settings(options: list[Any]) -> bool:
    """Whether the command takes every setting: by ``--set``."""
    return any("--set" in one.opts for one in options)


def _help(parameter: Any) -> str:
    return cell(prose(parameter.help or ""))


def _metavar(parameter: Any) -> str:
    name = (parameter.metavar or parameter.name).upper()
    many = "…" if parameter.nargs == -1 and not name.endswith("…") else ""
    return f"{name}{many}" if parameter.required else f"[{name}{many}]"


def _names(option: Any) -> str:
    return ", ".join(code(name) for name in (*option.opts, *option.secondary_opts))


def _value(option: Any) -> str:
    if getattr(option, "is_flag", False):
        return ""
    kind = option.type_descriptor.annotation
    if option.multiple:
        return f"{words(get_args(kind)[0])}; repeatable"
    limits = [
        f"{word} {value:g}"
        for word, attribute in (("at least", "min"), ("at most", "max"))
        if (value := getattr(option, attribute, None)) is not None
    ]
    return " and ".join([words(kind) + f" {limits[0]}", *limits[1:]] if limits else [words(kind)])


def _default(option: Any) -> str:
    if option.required:
        return "required"
    if option.default is True:
        return code(option.opts[0])
    if callable(option.default) or option.default in (None, False, (), []):
        return ""
    return code(str(option.default))
