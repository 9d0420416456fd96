"""The run folder: ``config.yaml, metrics.csv, best/, last/, corrections.parquet, result.json``."""

import csv
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout

from largeloss.errors import ConfigError, RunError
from largeloss.files import (
    PARTIAL,
    checksummed_json,
    checksummed_yaml,
    digest,
    keep,
    previous,
    read_text,
    refuse_links,
    verified_json,
    write_text,
    written_atomically,
)

SETTINGS = "config.yaml"
METRICS = "metrics.csv"
CORRECTIONS = "corrections.parquet"
RESULT = "result.json"
REPORT = "report.html"
FILES = (SETTINGS, METRICS, RESULT, CORRECTIONS, REPORT)
"""Of a run, beside its folders."""
WEIGHTS = "model.safetensors"
CONFIG = "config.json"
"""Describes the weights beside it."""
HEAD = "head"
"""The folder, within that of a run, of LinearInit's first phase."""
TEACHER = "teacher"
"""Begins the name of the folder, within that of a run, of each of its teachers."""
TENSORBOARD = "tensorboard"
"""The folder, within that of a run, of TensorBoard's files."""
SUMS = "sha256_of"
"""In ``result.json``: checksums of files that have none of their own."""


def is_run(folder: Path) -> bool:
    """Whether a run was begun there; of other folders nothing is asked."""
    return (folder / SETTINGS).is_file()


class RunFolder:
    """One run's folder, with a lock that the system drops when the process ends.

    Use it in a ``with`` statement. It may come from somebody else: what it holds is looked at
    before anything is read or written.

    Raises:
        ConfigError: it holds links, see :func:`~largeloss.files.refuse_links`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path = Path(path)
        self.config_file = path / SETTINGS  # the resolved settings
        self.best = path / "best"  # folder of the weights of the best val epoch
        self.last = path / "last"  # folder of the state after the last finished epoch
        self.state_file = self.last / "state.pt"  # what a resumed run continues from
        self.previous_best = self.last / f"previous-{WEIGHTS}"  # best weights before those in best/
        self.metrics_file = path / METRICS  # one line per epoch
        self.corrections_file = path / CORRECTIONS  # label edits of the method
        self.recorded = path / "recorded"  # see largeloss.training.recording
        self.result_file = path / RESULT  # written when the run is finished
        self._lock = FileLock(path / ".lock", timeout=0)
        for folder in self._folders():
            refuse_links(folder)

    @property
    def finished(self) -> bool:
        """Whether the run is finished."""
        return self.result_file.is_file()

    @property
    def begun(self) -> bool:
        """Whether a checkpoint was saved, even if it has been deleted since."""
        if self.state_file.is_file() or previous(self.state_file).is_file():
            return True
        # The first epoch's line is written before the first checkpoint.
        return self.metrics_file.is_file() and self.metrics_file.read_bytes().count(b"\n") > 2

    @property
    def trained(self) -> Path:
        """The folder of the best weights: ``best/``, or this one where it is such a folder."""
        return self.best if self.best.is_dir() else self.path

    def check_begun(self) -> None:
        """Makes sure that a run was begun here.

        Raises:
            ConfigError: there is none.
        """
        if not self.config_file.is_file():
            raise ConfigError(
                f"There is no run in {self.path}: {self.config_file.name} is missing."
            )

    def check_trained(self) -> None:
        """Makes sure that there are weights to load.

        Raises:
            ConfigError: there are none.
        """
        if not (self.trained / CONFIG).exists():
            raise no_model(self.trained)

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
            ConfigError: the folder already holds a run, or something else; or cannot be written.
        """
        if self.path.exists() and not self.path.is_dir():
            raise ConfigError(f"{self.path} is a file and cannot be written as a run folder.")
        place = self.path  # where it is, or the folder in which it would be made
        while not os.path.lexists(place):
            place = place.parent
        if not os.path.isdir(place) or not os.access(place, os.W_OK | os.X_OK):
            raise ConfigError(
                f"The run folder {self.path} cannot be written: nothing can be made in {place}. "
                "Choose another --out."
            )
        if self.config_file.exists():
            state = "a finished run" if self.finished else "a run that is not finished"
            raise ConfigError(
                f"{self.path} already holds {state}. Continue it with --resume, or choose another "
                "--out; nothing was changed."
            )
        held = sorted(path.name for path in self.path.glob("*"))
        strangers = [n for n in held if n != ".lock" and not n.endswith(PARTIAL)]
        if strangers:
            raise ConfigError(
                f"{self.path} is not empty (it holds {', '.join(strangers[:3])}) and is not a "
                "run of largeloss. Choose another --out; nothing was changed."
            )

    def begin(self, config: Mapping[str, Any]) -> None:
        """Saves the resolved settings of a new run.

        Raises:
            ConfigError: as :meth:`check_free`.
        """
        self.check_free()
        write_text(self.config_file, checksummed_yaml(config))

    def make(self) -> None:
        """Makes the folders of a run. Nothing makes them later: a disk that is gone is an error.

        Files that a killed process left half-written are removed.

        Raises:
            RunError: they cannot be made.
        """
        try:
            for folder in (self.best, self.last):
                folder.mkdir(parents=True, exist_ok=True)
            for folder in self._folders():
                for left in folder.glob(f"*.*{PARTIAL}"):  # losses.partial goes on being written
                    left.unlink()
        except OSError as error:
            raise RunError(f"The run folder {self.path} cannot be written ({error}).") from None

    def keep_best(self) -> None:
        """Keeps the best weights that are about to be replaced: the checkpoint still needs them.

        Raises:
            RunError: they cannot be kept.
        """
        try:
            if (self.best / WEIGHTS).is_file():
                keep(self.best / WEIGHTS, self.previous_best)
        except OSError as error:
            raise RunError(f"{self.previous_best} could not be written ({error}).") from None

    def restore_best(self, weights: str) -> None:
        """Makes sure that ``best/`` holds the weights with this SHA-256; those kept are put back.

        Raises:
            RunError: they are not there, or cannot be read.
        """
        path = self.best / WEIGHTS
        try:
            if path.is_file() and digest(path) == weights:
                return
            if self.previous_best.is_file() and digest(self.previous_best) == weights:
                keep(self.previous_best, path)
                return
        except OSError as error:
            raise RunError(f"{path} cannot be read or restored ({error}).") from None
        raise RunError(
            f"{path} does not hold the best weights that belong to {self.state_file}: it is "
            "missing, damaged, or of another run. Restore the file, or start a new run."
        )

    def write_metrics(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Writes ``metrics.csv``, one line per epoch, in place of the earlier one."""
        with (
            written_atomically(self.metrics_file) as partial,
            partial.open("w", encoding="utf-8", newline="") as file,
        ):
            # a run of an earlier version that goes on with this one has no log rank
            writer = csv.DictWriter(file, list(records[0]), extrasaction="ignore")
            writer.writeheader()
            writer.writerows(records)

    def finish(self, result: Mapping[str, Any]) -> None:
        """Writes ``result.json``, with checksums of the other files: the run is at its end."""
        files = [self.metrics_file, self.corrections_file, *self.recorded.glob("*.npy")]
        sums = {self._name(path): digest(path) for path in sorted(files) if path.is_file()}
        write_text(self.result_file, checksummed_json({**result, SUMS: sums}))

    def shed(self, *, weights: bool) -> None:
        """Removes what a finished run could be resumed from and, with ``weights``, its model.

        Its settings, metrics, label edits, recorded losses and result stay: it counts as finished.

        Raises:
            RunError: it cannot be removed.
        """
        try:
            for folder in (self.last, *self._phases(), *([self.best] if weights else [])):
                if os.path.isdir(folder):
                    shutil.rmtree(folder)
        except OSError as error:
            raise RunError(f"{self.path} cannot be made smaller ({error}).") from None

    def check(self, path: Path) -> None:
        """Makes sure that a file of a finished run is the one that was written.

        It is for files without a checksum of their own: metrics, label edits, recorded losses.

        Raises:
            RunError: it has changed since, or ``result.json`` cannot be read.
        """
        noted = self.result().get(SUMS, {}) if self.finished else {}
        name = self._name(path)
        if name in noted and path.is_file() and digest(path) != noted[name]:
            raise RunError(
                f"{path} is not the file that was written: its checksum is not the one in "
                f"{self.result_file.name}. It is damaged or was replaced; restore it, or train the "
                "run again in another folder."
            )

    def result(self) -> dict[str, Any]:
        """What :meth:`finish` wrote.

        Raises:
            RunError: the file cannot be read, or is not as it was written.
        """
        try:
            return verified_json(read_text(self.result_file))
        except (OSError, ValueError) as error:
            raise RunError(f"{self.result_file} cannot be read ({error}).") from None

    def _folders(self) -> tuple[Path, ...]:
        own = self.path, self.best, self.last, self.recorded
        return *own, self.path / TENSORBOARD, *self._phases()

    def _phases(self) -> tuple[Path, ...]:
        """The folders of LinearInit's first phase and of teachers."""
        # isdir: of names that cannot be, refuse_links tells what is wrong
        teachers = self.path.glob(f"{TEACHER}-*") if os.path.isdir(self.path) else ()
        return self.path / HEAD, *teachers

    def _name(self, path: Path) -> str:
        return path.relative_to(self.path).as_posix()


def no_model(folder: Path) -> ConfigError:
    """That there are no weights in ``folder``."""
    return ConfigError(
        f"There is no trained model in {folder}: {CONFIG} is missing. Name the folder of a run "
        "that has finished at least one epoch."
    )
