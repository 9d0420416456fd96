"""The run folder: ``config.yaml, metrics.csv, best/, last/, corrections.parquet, result.json``."""

import csv
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import yaml
from filelock import FileLock, Timeout

from largeloss.errors import ConfigError, RunError

RECORDED = "recorded"
"""Folder of what :mod:`largeloss.training.recording` writes, in a run's."""


class RunFolder:
    """One run's folder, with a lock that the system drops when the process ends.

    Use it in a ``with`` statement.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._lock = FileLock(self.path / ".lock", timeout=0)

    @property
    def config_file(self) -> Path:
        """The resolved settings."""
        return self.path / "config.yaml"

    @property
    def best(self) -> Path:
        """Folder of the weights of the best val epoch."""
        return self.path / "best"

    @property
    def last(self) -> Path:
        """Folder of the weights and the state after the last finished epoch."""
        return self.path / "last"

    @property
    def state_file(self) -> Path:
        """What a resumed run continues from."""
        return self.last / "state.pt"

    @property
    def result_file(self) -> Path:
        """Written when the run is finished."""
        return self.path / "result.json"

    @property
    def corrections_file(self) -> Path:
        """Label edits that the method made."""
        return self.path / "corrections.parquet"

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return self.result_file.is_file()

    def __enter__(self) -> Self:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except Timeout:
            raise ConfigError(
                f"Another process is writing to {self.path}. Wait for it, or choose another folder."
            ) from None
        except OSError as error:
            raise ConfigError(
                f"The run folder {self.path} cannot be written ({error}). Choose another --out."
            ) from None
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def check_free(self) -> None:
        """Makes sure that a new run may begin here; changes nothing.

        Raises:
            ConfigError: the folder already holds a run, or something else.
        """
        if self.path.exists() and not self.path.is_dir():
            raise ConfigError(f"{self.path} is a file and cannot be written as a run folder.")
        if self.config_file.exists():
            state = "a finished run" if self.finished else "a run that is not finished"
            raise ConfigError(
                f"{self.path} already holds {state}. Continue it with --resume, or choose another "
                "--out; nothing was changed."
            )
        held = sorted(path.name for path in self.path.glob("*"))
        strangers = [n for n in held if n != ".lock" and not n.endswith(".partial")]
        if strangers:
            raise ConfigError(
                f"{self.path} is not empty (it holds {', '.join(strangers[:3])}) and is no run of "
                "largeloss. Choose another --out; nothing was changed."
            )

    def begin(self, config: Mapping[str, Any]) -> None:
        """Saves the resolved settings of a new run.

        Raises:
            ConfigError: as :meth:`check_free`.
        """
        self.check_free()
        partial = self.config_file.with_name("config.yaml.partial")
        content = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
        partial.write_text(content, encoding="utf-8")
        partial.replace(self.config_file)

    def write_metrics(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Writes ``metrics.csv``, a line an epoch, in place of the earlier one."""
        if not records:
            return
        path = self.path / "metrics.csv"
        partial = path.with_name("metrics.csv.partial")
        with partial.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(records[0]))
            writer.writeheader()
            writer.writerows(records)
        partial.replace(path)

    def finish(self, result: Mapping[str, Any]) -> None:
        """Writes ``result.json``: the run is at its end."""
        partial = self.result_file.with_name("result.json.partial")
        partial.write_text(json.dumps(dict(result), indent=2) + "\n", encoding="utf-8")
        os.replace(partial, self.result_file)

    def result(self) -> dict[str, Any]:
        """What :meth:`finish` wrote.

        Raises:
            RunError: the file cannot be read.
        """
        try:
            result: dict[str, Any] = json.loads(self.result_file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(f"{self.result_file} cannot be read ({error}).") from None
        return result
