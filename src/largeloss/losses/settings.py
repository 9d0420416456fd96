"""The settings of a method: those parameters of its constructor that a settings file can hold."""

import difflib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from torch import nn

from largeloss.errors import ConfigError

_TYPES = {
    float: (Real, "a number"),
    int: (Integral, "a whole number"),
    str: (str, "text"),
    bool: (bool, "true or false"),
    NoneType: (NoneType, "null"),
}
"""Type → the values that it takes, and the type in words."""


@dataclass(frozen=True)
class Setting:
    """A setting of a method."""

    kinds: tuple[Any, ...]
    """Its types, of which a value must have one: float, int, str, bool, NoneType or a Literal."""
    default: Any
    """None also where the constructor has none: the method takes it from the data."""

    def accepts(self, value: object) -> bool:
        """Whether ``value`` is of one of the types."""
        return any(_is_of(value, kind) for kind in self.kinds)

    @property
    def needed(self) -> str:
        """The types in words: ``a whole number``, ``'all' or 'observed'``."""
        words: list[str] = []
        for kind in self.kinds:
            literal = get_origin(kind) is Literal
            words += map(repr, get_args(kind)) if literal else [_TYPES[kind][1]]
        return " or ".join(words)


def constructor_settings(method: type[nn.Module]) -> dict[str, Setting]:
    """Name → setting, in the constructor's order.

    Parameters of other types, such as the tensor of ROLE's labels, are none: a method takes these
    from the data (:meth:`.PartialLabelLoss.arguments`).
    """
    hints = get_type_hints(method.__init__)
    found = {}
    for name, parameter in inspect.signature(method).parameters.items():
        annotation = hints.get(name)
        union = get_origin(annotation) in (Union, UnionType)
        kinds = tuple(
            kind
            for kind in (get_args(annotation) if union else (annotation,))
            if kind in _TYPES or get_origin(kind) is Literal
        )
        if any(kind is not NoneType for kind in kinds):
            missing = parameter.default is parameter.empty
            found[name] = Setting(kinds, None if missing else parameter.default)
    return found


def check_settings(name: str, method: type[nn.Module], given: Mapping[str, Any]) -> None:
    """Refuses settings that the method, called ``name``, does not have, or of another type.

    Ranges are the constructor's to check.

    Raises:
        ConfigError: so they are.
    """
    settings = constructor_settings(method)
    foreign = [setting for setting in given if setting not in settings]
    if foreign:
        near = [
            repr(match)
            for setting in foreign
            for match in difflib.get_close_matches(setting, settings, n=1)
        ]
        hint = f" Did you mean {' and '.join(near)}?" if near else ""
        raise ConfigError(
            f"{', '.join(foreign)} is no setting of {name}, which has "
            f"{', '.join(settings) or 'none'}.{hint}"
        )
    for setting, value in given.items():
        if not settings[setting].accepts(value):
            raise ConfigError(
                f"{setting} of {name} must be {settings[setting].needed}, got {value!r}."
                + _hint(value)
            )


def _hint(value: object) -> str:
    """How to write a number that YAML took for text, such as 1e-3."""
    try:
        number = float(value) if isinstance(value, str) else None
    except ValueError:
        return ""
    return "" if number is None else f" Write it as a number: {number}."


def _is_of(value: object, kind: Any) -> bool:
    if get_origin(kind) is Literal:
        return any(type(value) is type(choice) and value == choice for choice in get_args(kind))
    return isinstance(value, _TYPES[kind][0]) and (kind is bool or not isinstance(value, bool))
