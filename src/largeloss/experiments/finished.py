"""Finished runs in ``RUNS/<collection>/<protocol>/<method>-seed<k>``, and what they measured."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from largeloss.errors import ConfigError, RunError
from largeloss.files import verified_json
from largeloss.training.run_folder import RunFolder


@dataclass(frozen=True)
class FinishedRun:
    """A run that came to its end."""

    path: Path
    seed: int
    result: dict[str, Any]
    """As in its ``result.json``."""

    def value(self, file: str, keys: Sequence[str]) -> float | None:
        """What ``file`` says under ``keys``; None without the file, or where it says null.

        Raises:
            RunError: the file cannot be read, or holds something else there.
        """
        path = self.path / file
        if not path.is_file():
            return None
        found: Any = _read(path)
        for depth, key in enumerate(keys):
            if not isinstance(found, dict) or key not in found:
                raise RunError(
                    f"{path} has no {'.'.join(keys[: depth + 1])!r}, which is needed here. Remove "
                    "the file and have it written again."
                )
            found = found[key]
        if found is None:
            return None
        if type(found) not in (int, float) or not math.isfinite(found):
            raise RunError(
                f"{path}: {'.'.join(keys)!r} must be a number, but is {found!r}. Remove the file "
                "and have it written again."
            )
        return float(found)


@dataclass(frozen=True)
class Group:
    """Runs of one collection and protocol; they take about the same time."""

    collection: str
    protocol: str

    @property
    def name(self) -> str:
        """For the user."""
        return f"{self.collection}, {self.protocol}"

    def folder(self, runs: Path) -> Path:
        """Where its runs lie."""
        return runs / self.collection / self.protocol

    def finished(self, runs: Path, method: str) -> list[FinishedRun]:
        """A method's finished runs, by seed.

        Raises:
            ConfigError: a folder holds another run than its name says.
            RunError: a result cannot be read.
        """
        found = []
        for path in self.folder(runs).glob(f"{method}-seed*"):
            number = re.fullmatch(rf"{re.escape(method)}-seed(0|[1-9][0-9]*)", path.name)
            if number and RunFolder(path).finished:
                run = FinishedRun(path, int(number[1]), _read(RunFolder(path).result_file))
                self._check(run, method)
                found.append(run)
        return sorted(found, key=lambda run: run.seed)

    def _check(self, run: FinishedRun, method: str) -> None:
        expected = {"method": method, "seed": run.seed, "protocol": self.protocol}
        said = {name: run.result.get(name) for name in expected}
        if said != expected:
            listed = ", ".join(f"{name} {value!r}" for name, value in said.items())
            raise ConfigError(
                f"{run.path} should hold {method} with seed {run.seed}, {self.protocol}, but its "
                f"result.json says {listed}. Move it elsewhere, or choose another --runs."
            )


def _read(path: Path) -> dict[str, Any]:
    try:
        return verified_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(
            f"{path} cannot be read ({error}). Remove the file and have it written again."
        ) from None
