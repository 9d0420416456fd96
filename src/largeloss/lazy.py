"""Packages whose names are imported when they are used: a wrong path is told without torch."""

import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any


@contextmanager
def without_bars_of_others() -> Iterator[None]:
    """Within it, warnings about bars of tqdm in notebooks are hidden, which are not used."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "IProgress not found")
        yield


def imported_when_used(
    package: str, where: Mapping[str, str], packages: Collection[str] = ()
) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package.

    ``where`` has the module below it of each name, ``packages`` what is itself a package below it.
    """

    def attribute(name: str) -> Any:
        if name in packages:
            return import_module(f"{package}.{name}")
        if name not in where:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        with without_bars_of_others():
            return getattr(import_module(f"{package}.{where[name]}"), name)

    return attribute
