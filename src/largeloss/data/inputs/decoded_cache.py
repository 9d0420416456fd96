"""Decoded and resized images on disk: one file of uint8 that is mapped into memory.

The file is named by the contents of all images and by the size they are resized to, so that an
image that changes makes another file. Of several processes that want the same file one makes it
while the others wait; it takes its name when it is whole, whatever happens before. Beside it stand
the CRC-32 of the images: a process checks each when it reads it for the first time.
"""

import hashlib
import os
import shutil
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray
from torch import Tensor

from largeloss.data.dataset import Rows
from largeloss.data.inputs.image_files import RULE, ImageFiles
from largeloss.data.inputs.threads import cores
from largeloss.errors import ConfigError, DataError, RunError
from largeloss.files import written_atomically
from largeloss.watch import watched

FOLDER = "images"
_CHUNK = 64  # images that a thread decodes at a time
_SUM = np.dtype("<u4")


@dataclass(frozen=True)
class DecodedCache:
    """Images by row, read from the file that holds them."""

    files: ImageFiles
    """Where they come from."""
    path: Path
    places: NDArray[np.int64]
    """(N,): where each row stands in the file; -1 for rows that it does not hold."""
    sums: NDArray[np.uint32]
    """(M,): CRC-32 of each image in the file."""
    content: str
    """Fingerprint of the files of the rows that it holds."""
    in_memory = True

    @classmethod
    def of(cls, files: ImageFiles, rows: Rows, folder: Path) -> Self:
        """The images of ``rows``, ascending; the file is made where it does not exist.

        It goes into ``images/`` in the cache ``folder``; by one thread per core.

        Raises:
            ConfigError: the folder cannot be written, or has no room.
            DataError: an image cannot be decoded.
        """
        folder = folder / FOLDER
        shape = (len(rows), *files.sample_shape)
        content = files.fingerprint(rows)
        name = hashlib.blake2b(
            f"{RULE} {files.size} {files.max_value} {content}".encode(), digest_size=12
        ).hexdigest()
        with ThreadPoolExecutor(cores()) as pool:
            path = folder / f"{name}.npy"
            try:
                folder.mkdir(parents=True, exist_ok=True)
                with FileLock(folder / f"{name}.lock"):
                    if not _is_whole(path, shape):
                        for old in (path, _sums(path)):
                            old.unlink(missing_ok=True)
                        _check_room(folder, shape)
                        _write(path, files, rows, shape, pool)
                    sums = np.fromfile(_sums(path), dtype=_SUM)
            except (OSError, RunError) as error:
                raise ConfigError(
                    f"Images cannot be kept in {folder} ({error}). Choose another --cache."
                ) from None
        places = np.full(len(files), -1, dtype=np.int64)
        places[rows] = np.arange(len(rows))
        return cls(files, path, places, sums, content)

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return self.files.sample_shape

    def __len__(self) -> int:
        return len(self.files)

    def read(self, rows: Sequence[int], flips: Sequence[bool]) -> Tensor:
        batch = torch.empty((len(rows), *self.sample_shape), dtype=torch.uint8)
        for copy, row, flip in zip(batch, rows, flips, strict=True):
            image = self._pixels[self.places[row]]
            if not self._checked[row]:
                self._check(row, image)
            copy.numpy()[...] = image
            if flip:
                copy.copy_(copy.flip(-1))  # a tenth of the time that NumPy takes
        return batch

    def fingerprint(self, rows: NDArray[np.int64]) -> str:
        held = np.array_equal(rows, np.flatnonzero(self.places >= 0))
        return self.content if held else self.files.fingerprint(rows)

    @cached_property
    def _pixels(self) -> NDArray[np.uint8]:
        mapped: NDArray[np.uint8] = np.load(self.path, mmap_mode="r", allow_pickle=False)
        return mapped

    @cached_property
    def _checked(self) -> NDArray[np.bool_]:
        """(N,): what this process has found whole."""
        return np.zeros(len(self), dtype=np.bool_)

    def _check(self, row: int, image: NDArray[np.uint8]) -> None:
        if zlib.crc32(image.data) != self.sums[self.places[row]]:
            raise DataError(
                f"{self.path} is damaged: its copy of {self.files.paths[row]} is not what was "
                "written. Delete the file, then start again: it is rebuilt."
            )
        self._checked[row] = True


def _sums(path: Path) -> Path:
    """Where the checksums of the images in ``path`` stand, in their order."""
    return path.with_suffix(".crc32")


def _is_whole(path: Path, shape: tuple[int, ...]) -> bool:
    """Whether file and checksums are there, of this shape, and not cut off."""
    try:
        sums = _sums(path).stat().st_size
        found: NDArray[np.uint8] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return False
    whole = found.dtype == np.uint8 and found.shape == shape
    return whole and sums == shape[0] * _SUM.itemsize


def _check_room(folder: Path, shape: tuple[int, ...]) -> None:
    needed, free = int(np.prod(shape)), shutil.disk_usage(folder).free
    if needed > free:
        raise ConfigError(
            f"{shape[0]:,} images of {shape[-1]} px need {needed / 1e9:,.1f} GB; {folder} has "
            f"{free / 1e9:,.1f} GB free. Choose another --cache, or leave it out."
        )


def _write(
    path: Path, files: ImageFiles, rows: Rows, shape: tuple[int, ...], pool: ThreadPoolExecutor
) -> None:
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)  # of a process that was killed
    pixels = np.lib.format.open_memmap(partial, mode="w+", dtype=np.uint8, shape=shape)
    sums = np.zeros(len(rows), dtype=_SUM)

    def fill(first: int) -> None:
        part = rows[first : first + _CHUNK].tolist()
        read = files.read(part, [False] * len(part)).numpy()
        pixels[first : first + len(part)] = read
        sums[first : first + len(part)] = [zlib.crc32(image) for image in read]

    chunks = range(0, len(rows), _CHUNK)
    for _ in watched(pool.map(fill, chunks), "Images decoded for the cache, by 64", len(chunks)):
        pass
    pixels.flush()
    with partial.open("rb+") as file:
        os.fsync(file.fileno())
    partial.replace(path)
    with written_atomically(_sums(path)) as beside:  # last: with it the file is whole
        sums.tofile(beside)
