"""Packages whose names are imported when they are used: a wrong path is told without torch."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any


@contextmanager
def without_bars_of_others() -> Iterator[None]:
    """Within it, warnings about bars of tqdm in notebooks are hidden, which are not used."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "IProgress not found")
        yield


def imported_when_used(package: str, where: Mapping[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package; ``where`` has the module below it of each name."""

    def attribute(name: str) -> Any:
        if name not in where:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        with without_bars_of_others():
            return getattr(import_module(f"{package}.{where[name]}"), name)

    return attribute
