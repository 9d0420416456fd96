"""The settings of a method: those parameters of its constructor that a settings file can hold.

Names, types, choices and ranges are those of the annotations, and are checked here for all methods.
"""

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from torch import Tensor

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
class Range:
    """The numbers that a setting may be, as in ``Annotated[float, Range(0, 0.5)]``."""

    least: float
    most: float = math.inf
    above: bool = False  # whether ``least`` itself is left out
    meaning: str = ""
    """What the number is, for the message."""

    def __contains__(self, number: float) -> bool:
        return self.least <= number <= self.most and not (self.above and number == self.least)

    def __str__(self) -> str:
        if self.above:
            words = f"above {self.least}" + (f" and at most {self.most}" * (self.most < math.inf))
        else:
            words = f"from {self.least} " + (f"to {self.most}" if self.most < math.inf else "on")
        return words + (f" ({self.meaning})" if self.meaning else "")


@dataclass(frozen=True)
class Setting:
    """A setting of a method."""

    kinds: tuple[Any, ...]  # its types, of which a value must have one
    range: Range | None
    default: Any  # None also where the constructor has none: the method takes it from the data

    def accepts(self, value: object) -> bool:
        """Whether ``value`` is of one of the types, and in the range."""
        right = any(_is_of(value, kind) for kind in self.kinds)
        limited = self.range is not None and isinstance(value, Real)
        return right and (not limited or cast(float, value) in cast(Range, self.range))

    def __str__(self) -> str:
        """What is accepted, in words: ``a number from 0 to 0.5``, ``'all' or 'observed'``."""
        words: list[str] = []
        for kind in self.kinds:
            words += map(repr, get_args(kind)) if get_origin(kind) is Literal else []
            limits = f" {self.range}" if self.range and kind in (float, int) else ""
            words += [_TYPES[kind][1] + limits] if kind in _TYPES else []
        return " or ".join(words)


def constructor_settings(method: type) -> dict[str, Setting]:
    """Name → setting, in the constructor's order.

    Parameters of other types, such as the tensor of ROLE's labels, are none: a method takes these
    from the data (:meth:`.PartialLabelLoss.arguments`).
    """
    initialise = cast(Any, method).__init__
    hints = get_type_hints(initialise, include_extras=True)
    found = {}
    for name, parameter in inspect.signature(initialise).parameters.items():
        kind, limits = hints.get(name), None
        if get_origin(kind) is Annotated:
            kind, limits = get_args(kind)
        kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
        if any(get_origin(k) is Literal or (k in _TYPES and k is not NoneType) for k in kinds):
            missing = parameter.default is parameter.empty
            found[name] = Setting(kinds, limits, None if missing else parameter.default)
    return found


def takes_labels(method: type) -> bool:
    """Whether the constructor takes what is found in the labels: a tensor, or what has no default
    (:meth:`.PartialLabelLoss.arguments` may also just look at them)."""
    initialise = cast(Any, method).__init__
    hints = get_type_hints(initialise)
    _, *parameters = inspect.signature(initialise).parameters.values()
    return any(
        parameter.default is parameter.empty
        or Tensor in (hints.get(parameter.name), *get_args(hints.get(parameter.name)))
        for parameter in parameters
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    )


def check_values(method: type, given: Mapping[str, Any]) -> None:
    """Refuses values that are not of the type or in the range of their settings.

    Raises:
        ConfigError: so they are.
    """
    name = getattr(method, "name", method.__name__)
    for setting, accepted in constructor_settings(method).items():
        if setting in given and not accepted.accepts(given[setting]):
            value = given[setting]
            raise ConfigError(
                f"{setting} of {name} must be {accepted}, got {value!r}.{_hint(value)}"
            )


def shown_values(method: type, given: Mapping[str, Any]) -> str:
    """All settings as they are given, or by default: ``delta_rel=0.2, ties='include'``."""
    values = {
        name: given.get(name, setting.default)
        for name, setting in constructor_settings(method).items()
    }
    return ", ".join(
        f"{name}={f'tensor of {tuple(value.shape)}' if isinstance(value, Tensor) else repr(value)}"
        for name, value in values.items()
    )


def _hint(value: object) -> str:
    """How to write a number that YAML took for text, such as 1e-3."""
    try:
        return f" Write it as a number: {float(value)}." if isinstance(value, str) else ""
    except ValueError:
        return ""


def _is_of(value: object, kind: Any) -> bool:
    if get_origin(kind) is Literal:
        return any(type(value) is type(choice) and value == choice for choice in get_args(kind))
    if isinstance(value, bool) and kind is not bool:
        return False
    finite = not isinstance(value, Real) or math.isfinite(value)
    return finite and isinstance(value, _TYPES[kind][0] if kind in _TYPES else kind)
