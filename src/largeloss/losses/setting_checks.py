"""Checks of single settings, for the constructors of methods."""

import math
from collections.abc import Sequence
from numbers import Integral, Real

from largeloss.errors import ConfigError


def is_number(value: object) -> bool:
    """Whether ``value`` is a real number, finite; True and False are none."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def check_count(name: str, value: object, least: int) -> None:
    """Refuses what is no whole number of at least ``least``.

    Raises:
        ConfigError: so it is.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ConfigError(f"{name} must be {least} or more (a whole number), got {value!r}.")


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Refuses what is none of ``choices``.

    Raises:
        ConfigError: so it is.
    """
    if not isinstance(value, str) or value not in choices:
        listed = ", ".join(map(repr, choices[:-1])) + f" or {choices[-1]!r}"
        raise ConfigError(f"{name} must be {listed}, got {value!r}.")
