"""Predictions as a folder of files, which several processes share and a later call continues.

::

    scores/
    ├── _prediction.json         what is predicted: by it a later call knows that it is the same
    ├── part-00000.parquet       so many images each, in the order in which they were named
    ├── part-00001.parquet
    └── _skipped/
        └── part-00001.csv       images of this part that cannot be read, if there are any

A part appears when it is complete. Batches never reach across parts, so that each is the same
whoever writes it, and when.
"""

import csv
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from largeloss import distributed
from largeloss.errors import ConfigError, DataError, LargelossError, RunError
from largeloss.files import (
    PARTIAL,
    checksummed_json,
    read_text,
    refuse_links,
    verified_json,
    write_text,
)
from largeloss.runs.predict.predictions import Predictions, none_readable
from largeloss.runs.predict.targets import LOCK, MANIFEST, SKIPPED, check_folder, parts_kept
from largeloss.runs.predict.writing import REASONS, Written, check_names, write_rows
from largeloss.training.start import start
from largeloss.watch import watched

_SUFFIXES = (".csv", ".jsonl", ".parquet")
_SECONDS = 0.2  # between two looks for the parts of other processes


@dataclass(frozen=True)
class Parts:
    """Where the parts of a prediction lie."""

    folder: Path
    images: int
    rows: int
    """Of a part; the last may have fewer."""

    def __len__(self) -> int:
        return -(-self.images // self.rows)

    def span(self, part: int) -> range:
        """The images of a part."""
        return range(part * self.rows, min((part + 1) * self.rows, self.images))

    def file(self, part: int) -> Path:
        """Of the predictions of a part."""
        return self.folder / f"{self._name(part)}{suffix_of(self.folder)}"

    def skipped(self, part: int) -> Path:
        """Of what cannot be read of a part."""
        return self.folder / SKIPPED / f"{self._name(part)}.csv"

    def missing(self) -> list[int]:
        """The parts that are not written."""
        return [part for part in range(len(self)) if not self.file(part).is_file()]

    def _name(self, part: int) -> str:
        return f"part-{part:0{max(5, len(str(len(self) - 1)))}d}"


def suffix_of(folder: Path) -> str:
    """Of the parts in a folder: that of its own name, else ``.parquet``."""
    return folder.suffix if folder.suffix in _SUFFIXES else ".parquet"


def join_processes() -> int:
    """How many processes there are; joins those that ``torchrun`` has started, if it has.

    Call it before a model is loaded, so that each process has a GPU of its own.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        start()
    return distributed.world_size()


def write_shards(
    predictions: Predictions,
    folder: Path,
    rows: int,
    *,
    resume: bool = False,
    remark: Callable[[str], None] = lambda text: None,
) -> Written:
    """Writes predictions as files of ``rows`` images each; this process its share of them.

    The files are CSV, JSON lines or Parquet, as the folder's name ends, else Parquet; see
    :func:`~largeloss.runs.predict.writing.write_predictions`. The first process returns when all
    parts are there.

    Args:
        predictions: The same in every process.
        folder: New, or empty; with ``resume`` also one of the same prediction.
        rows: Images of a file.
        resume: Whether to write only the files that are missing.
        remark: Is told how the network is computed, where a file is missing.

    Raises:
        ConfigError: another prediction is there, or cannot be written there.
        DataError: an image cannot be read and is not to be left out; or none can.
        RunError: a file cannot be written, or scoring failed.
        Interrupted: SIGINT or SIGTERM asked to stop. In all cases finished parts are kept.
    """
    check_names(suffix_of(folder), predictions.classes)
    predictions = as_begun(predictions, folder, resume)
    parts = Parts(folder, len(predictions), rows)
    made = {
        "model": predictions.model_digest,
        "sources": predictions.digest(),
        "images": len(predictions),
        "shards": rows,
        "batch_size": predictions.batch_size,
        **_computed_by(predictions),
    }
    with _prepared(parts, made, resume) as missing:
        written = Written(new=sum(len(parts.span(part)) for part in missing))
        if missing and predictions.forward.remark:  # chosen by all processes together
            remark(predictions.forward.remark)
        mine = missing[distributed.rank() :: distributed.world_size()]
        for part in watched(mine, "Predictions, by part", len(mine)):
            try:
                of_part = write_rows(
                    predictions,
                    parts.span(part),
                    parts.file(part),
                    parts.skipped(part),
                    parts_kept(folder),
                )
            except DataError as error:
                raise DataError(f"{error} {parts_kept(folder)}") from None
            written.first = written.first or of_part.first
        if distributed.rank() == 0:
            while any(not parts.file(part).is_file() for part in missing):
                time.sleep(_SECONDS)
            _count(parts, written)
    return written


def as_begun(predictions: Predictions, folder: Path, resume: bool) -> Predictions:
    """``predictions`` by the backend and in the precision that those in ``folder`` were begun with,
    where others are not asked for; collective. What is wrong there, :func:`write_shards` says."""
    saved: dict[str, str] = {}
    if distributed.rank() == 0 and resume:
        with suppress(OSError, ValueError):
            saved = _BEFORE | verified_json(read_text(folder / MANIFEST))
    saved = distributed.from_main(saved)
    if saved and predictions.backend == "auto":
        predictions = replace(predictions, backend=saved["backend"])
    if saved.get("precision") and predictions.precision in (None, "auto"):
        predictions = replace(predictions, precision=saved["precision"])
    return predictions


def _computed_by(predictions: Predictions) -> dict[str, str]:
    """What is kept of how the network is computed; measured only where it is not settled."""
    backend, precision = predictions.backend, predictions.precision
    if precision is None:
        precision = "bf16" if predictions.network.scored_in_bf16 else "fp32"
    if "auto" in (backend, precision):
        backend, precision = predictions.forward.backend, predictions.forward.precision
    return {"backend": backend, "precision": precision}


def _count(parts: Parts, written: Written) -> None:
    """Adds what all the parts hold."""
    for path in sorted((parts.folder / SKIPPED).glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for line in csv.DictReader(file):
                written.skipped += 1
                written.reasons += [line["problem"]] * (len(written.reasons) < REASONS)
    written.images = parts.images - written.skipped
    if not written.images:
        raise none_readable(parts.images, written.reasons)


@contextmanager
def _prepared(parts: Parts, made: Mapping[str, Any], resume: bool) -> Iterator[list[int]]:
    """The parts that are to be written; the folder is nobody else's meanwhile."""
    lock = FileLock(parts.folder / LOCK, timeout=0)
    missing: list[int] | LargelossError = []
    if len(set(distributed.gather_objects(tuple(made.values())))) > 1:
        raise ConfigError(
            "The processes have found different images or models. Each must see the same; images "
            "must not be added meanwhile, or be named by a --list."
        )
    try:
        if distributed.rank() == 0:
            try:
                missing = _begin(parts, made, resume, lock)
            except LargelossError as error:
                missing = error
        missing = distributed.from_main(missing)  # so that no process waits for one that failed
        if isinstance(missing, LargelossError):
            raise missing
        yield missing
    finally:
        lock.release()


def _begin(parts: Parts, made: Mapping[str, Any], resume: bool, lock: FileLock) -> list[int]:
    folder = parts.folder
    check_folder(folder, resume)
    try:
        (folder / SKIPPED).mkdir(parents=True, exist_ok=True)
        lock.acquire()
        refuse_links(folder)
        refuse_links(folder / SKIPPED)
        if (folder / MANIFEST).exists():
            _check_same(folder, made)
        else:
            write_text(folder / MANIFEST, checksummed_json(made))
        for left in (*folder.glob(f"*{PARTIAL}"), *(folder / SKIPPED).glob(f"*{PARTIAL}")):
            left.unlink()
    except Timeout:
        raise ConfigError(
            f"Another process is writing to {folder}. Wait for it, or choose another folder."
        ) from None
    except OSError as error:
        raise RunError(f"{folder} cannot be written ({error.strerror}).") from None
    return parts.missing()


_WORDS = {
    "model": "the model (weights, classes or thresholds)",
    "sources": "the images that are named, their order, or the working folder that they start from",
    "images": "the number of images",
    "shards": "--shards",
    "batch_size": "--batch-size",
    "backend": "--backend",
    "precision": "--precision",
}
_BEFORE = {"backend": "torch"}
"""Of predictions that say nothing of it, since there was no other."""


def _check_same(folder: Path, made: Mapping[str, Any]) -> None:
    try:
        saved = verified_json(read_text(folder / MANIFEST))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{folder / MANIFEST} cannot be read ({error}). Choose another --out."
        ) from None
    saved = _BEFORE | {"precision": made["precision"]} | saved
    changed = [_WORDS[name] for name, value in made.items() if saved.get(name) != value]
    if changed:
        raise ConfigError(
            f"{folder} holds other predictions; different are: {'; '.join(changed)}. Give the same "
            "again, or choose another --out; nothing was changed."
        )
