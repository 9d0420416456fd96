"""Finished runs in ``RUNS/<collection>/<protocol>/<method>-seed<k>``, and their values."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from largeloss.errors import ConfigError, RunError
from largeloss.files import read_text, verified_json
from largeloss.training.run_folder import RunFolder

_AGAIN = "Delete the file, then run the command that writes it again."


@dataclass(frozen=True)
class FinishedRun:
    """A run that has been trained to its end."""

    path: Path
    seed: int
    result: dict[str, Any]
    """Content of its ``result.json``."""

    def content(self, file: str) -> dict[str, Any] | None:
        """What ``file`` holds; None without the file.

        Raises:
            RunError: the file cannot be read.
        """
        path = self.path / file
        return _read(path) if path.is_file() else None

    def value(self, file: str, keys: Sequence[str]) -> float | None:
        """The number in ``file`` under ``keys``; None without the file, or if the value is null.

        Raises:
            RunError: the file cannot be read, has no such keys, or the value is not a number.
        """
        found: Any = self.content(file)
        if found is None:
            return None
        path = self.path / file
        for depth, key in enumerate(keys):
            if not isinstance(found, dict) or key not in found:
                missing = ".".join(keys[: depth + 1])
                raise RunError(f"{path} has no {missing!r}, which is needed here. {_AGAIN}")
            found = found[key]
        if found is None:
            return None
        if type(found) not in (int, float) or not math.isfinite(found):
            name = ".".join(keys)
            raise RunError(f"{path}: {name!r} must be a number, but is {found!r}. {_AGAIN}")
        return float(found)


@dataclass(frozen=True)
class Group:
    """Runs on one collection with one protocol. They take about the same time."""

    collection: str
    protocol: str

    @property
    def name(self) -> str:
        """Display name."""
        return f"{self.collection}, {self.protocol}"

    def folder(self, runs: Path) -> Path:
        """The folder that holds the runs of the group."""
        return runs / self.collection / self.protocol

    def finished(self, runs: Path, method: str) -> list[FinishedRun]:
        """Finished runs of a method, in the order of their seeds.

        Raises:
            ConfigError: a folder holds another run than its name tells.
            RunError: a result cannot be read.
        """
        found = []
        for path in self.folder(runs).glob(f"{method}-seed*"):
            number = re.fullmatch(rf"{re.escape(method)}-seed(0|[1-9][0-9]*)", path.name)
            if number and RunFolder(path).finished:
                seed, result = int(number[1]), _read(RunFolder(path).result_file)
                expected = {"method": method, "seed": seed, "protocol": self.protocol}
                actual = {name: result.get(name) for name in expected}
                if actual != expected:
                    listed = ", ".join(f"{name} {value!r}" for name, value in actual.items())
                    raise ConfigError(
                        f"{path} should hold {method} with seed {seed}, {self.protocol}, but its "
                        f"result.json has {listed}. Move the folder elsewhere, or choose another "
                        "--runs."
                    )
                found.append(FinishedRun(path, seed, result))
        return sorted(found, key=lambda run: run.seed)


def _read(path: Path) -> dict[str, Any]:
    try:
        return verified_json(read_text(path))
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read ({error}). {_AGAIN}") from None
