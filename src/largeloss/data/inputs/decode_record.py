"""Which images were decoded to their end before: unchanged files need not be looked at again.

A file is taken for unchanged where its path, its size and the times of its content and of its entry
in the file system are those of before. Nothing of an image itself is kept; what could not be read
is looked at every time.
"""

import hashlib
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import PIL
from numpy.typing import NDArray

from largeloss.data.inputs.threads import map_files
from largeloss.errors import RunError
from largeloss.files import written_atomically

FOLDER = "decoded"
SETTLED = 100_000_000
"""Nanoseconds after its last change before which a file may change again within the same time."""
_ENTRY = np.dtype(
    [("path", "<u8"), ("size", "<i8"), ("mtime", "<i8"), ("ctime", "<i8"), ("peak", "u1")]
)
Entries = NDArray[Any]
"""(N,): the state of a file each, and the greatest value of its pixels."""


@dataclass(frozen=True)
class DecodeRecord:
    """What was decoded of a data folder; one file."""

    path: Path

    @classmethod
    def of(cls, cache: Path, root: Path, max_value: int | None) -> Self:
        """In ``cache``, of the images of the data folder ``root``, as read with ``max_value``."""
        key = f"1 {PIL.__version__} {max_value} {root.resolve()}"
        digest = hashlib.blake2b(os.fsencode(key), digest_size=12).hexdigest()
        return cls(cache / FOLDER / f"{digest}.npy")

    def look(
        self, paths: Sequence[Path], rows: NDArray[np.int64], workers: int
    ) -> tuple[Entries, NDArray[np.bool_]]:
        """The states (M,) of the files ``rows`` (M,) of ``paths`` as they are now, and which of
        them were decoded like this.

        Of those the peak is known. The size of a file that is not there, or that was changed just
        now, is -1: it is not to be remembered.
        """
        now = np.empty(len(rows), dtype=_ENTRY)
        states = map_files(
            lambda row: _state(paths[row]), rows.tolist(), workers, "Looking for changes"
        )
        for place, found in enumerate(states):
            now[place] = found
        before = self._read()
        if not len(before):
            return now, np.zeros(len(rows), dtype=np.bool_)
        nearest = np.minimum(np.searchsorted(before["path"], now["path"]), len(before) - 1)
        known = now["size"] >= 0
        for name in ("path", "size", "mtime", "ctime"):
            known &= before[name][nearest] == now[name]
        now["peak"] = before["peak"][nearest]
        return now, known

    def add(self, entries: Entries) -> None:
        """Remembers files that were decoded, in place of their earlier states."""
        entries = entries[entries["size"] >= 0]
        if not len(entries):
            return
        before = self._read()
        kept = before[~np.isin(before["path"], entries["path"])]
        merged = np.sort(np.concatenate([entries, kept]), order="path")
        with suppress(OSError, RunError):  # where nothing can be kept, all is decoded again
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with written_atomically(self.path) as partial, partial.open("wb") as file:
                np.save(file, merged)

    def _read(self) -> Entries:
        """What was remembered, by path; nothing where the file is damaged."""
        with suppress(OSError, ValueError, EOFError):
            found = np.load(self.path, allow_pickle=False)
            if isinstance(found, np.ndarray) and found.dtype == _ENTRY and found.ndim == 1:
                return found
        return np.empty(0, dtype=_ENTRY)


def _state(path: Path) -> tuple[int, int, int, int, int]:
    digest = hashlib.blake2b(os.fsencode(path), digest_size=8).digest()
    name = int.from_bytes(digest, "little")
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return name, -1, 0, 0, 0
    changed = max(found.st_mtime_ns, found.st_ctime_ns)
    settled = time.time_ns() - changed > SETTLED
    return name, found.st_size if settled else -1, found.st_mtime_ns, found.st_ctime_ns, 0
