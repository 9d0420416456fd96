"""Settings by one name each: keyword arguments in Python, options on the command line."""

from collections.abc import Collection, Mapping
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from largeloss.config.layers import meant
from largeloss.config.models import SECTIONS
from largeloss.errors import ConfigError

RENAMED = {
    ("data", "path"): "data",
    ("method", "name"): "method",
    ("model", "args"): "backbone_args",
}
"""Settings whose name says too little without its section."""


class Flag(NamedTuple):
    """A setting that is an option of the command line."""

    name: str
    """Flat, as in Python: ``batch_size`` is ``--batch-size``."""
    section: str
    kind: type
    """bool, int, float or str; what the value means is checked when layers are merged."""
    is_list: bool
    help: str


def flat_names() -> dict[str, tuple[str, str]]:
    """Flat name → section and name, for every setting."""
    return {
        RENAMED.get((section, name), name): (section, name)
        for section, model in SECTIONS.items()
        for name in model.model_fields
    }


def flags() -> list[Flag]:
    """The options of the command line, section by section."""
    found = []
    for flat, (section, name) in flat_names().items():
        field = SECTIONS[section].model_fields[name]
        extra = field.json_schema_extra
        if isinstance(extra, dict) and extra.get("flag"):
            kind, is_list = _kind(field.annotation)
            found.append(Flag(flat, section, kind, is_list, _help(field)))
    return found


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


def _help(field: FieldInfo) -> str:
    text = field.description or ""
    if field.default is None or isinstance(field.default, bool):
        return text
    return f"{text} Default: {field.default}."


def _kind(annotation: Any) -> tuple[type, bool]:
    """What a terminal gives for a type, and whether it is a list."""
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        (kept,) = (one for one in get_args(annotation) if one is not NoneType)
        return _kind(kept)
    if origin is list:
        return str, True
    if origin is Literal or annotation not in (bool, int, float):
        inner = get_args(annotation)
        if inner and inner[0] in (int, float):  # Annotated
            return inner[0], False
        return str, False
    return annotation, False
