"""Checkpoints in one file with a checksum before the content that torch saves.

A file is written beside, flushed to the disk and then renamed, so that a process that is killed at
any moment leaves the file as it was. The one before it is kept, too.
"""

import io
import os
import pickle
import warnings
import zlib
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import torch

from largeloss.errors import CheckpointError
from largeloss.files import check_regular, keep, new_partial, previous, sync_folder

KIND = b"largeloss state "
MAGIC = KIND + b"2\n"
_CHECKSUM = 4  # bytes


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Writes a state of tensors and plain values, loadable weights-only.

    Raises:
        CheckpointError: the disk is full, cannot be written, or is gone; what was there is as it
            was.
    """
    partial = None
    try:
        partial = new_partial(path)
        with partial.open("wb") as file:
            file.write(MAGIC + bytes(_CHECKSUM))
            summed = _Summing(file)
            try:
                torch.save(state, cast(IO[bytes], summed))
            except RuntimeError as error:
                raise summed.error or error from None  # torch hides what the disk has said
            file.seek(len(MAGIC))
            file.write(summed.checksum.to_bytes(_CHECKSUM, "big"))
            file.flush()
            os.fsync(file.fileno())
        if path.is_file():
            keep(path, previous(path))
        partial.replace(path)
        sync_folder(path.parent)
    except (OSError, RuntimeError) as error:
        if partial is not None:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
        raise CheckpointError(
            f"The checkpoint {path} could not be written ({error}). What was saved before is as it "
            "was: make room, then continue with --resume."
        ) from None


def load_state(path: Path) -> dict[str, Any]:
    """Reads what :func:`save_state` wrote; never runs code of the file.

    Raises:
        CheckpointError: missing, cut off, changed by a single bit, or something else.
    """
    try:
        check_regular(path)
        content = path.read_bytes()
    except FileNotFoundError:
        if previous(path).is_file():
            raise CheckpointError(f"{path} is missing.{_offer(path)}") from None
        raise CheckpointError(
            f"There is no checkpoint {path}, and none before it. Start the run afresh, without "
            "--resume, in a new folder."
        ) from None
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error}).") from None
    start = len(MAGIC) + _CHECKSUM
    if not content.startswith(MAGIC) or len(content) < start:
        other = "was written by another version of largeloss, or is damaged"
        what = other if content.startswith(KIND) else "is no checkpoint of largeloss"
        raise CheckpointError(f"{path} {what}.{_offer(path)}")
    noted = int.from_bytes(content[len(MAGIC) : start], "big")
    if zlib.crc32(memoryview(content)[start:]) != noted:
        raise CheckpointError(
            f"{path} is damaged: it is cut off, or some of it has changed (its checksum does not "
            f"match).{_offer(path)}"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about pickles that are refused anyway
            state: dict[str, Any] = torch.load(
                io.BytesIO(content[start:]), map_location="cpu", weights_only=True
            )
    except (RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f"{path} cannot be read ({first}).{_offer(path)}") from None
    return state


def _offer(path: Path) -> str:
    if not previous(path).is_file():
        return " There is no earlier one; best/ still holds the best weights if it exists."
    return (
        f" The one before it is there: continue from it with\n  cp {previous(path)} {path}\nand "
        "--resume."
    )


class _Summing(io.RawIOBase):
    """Passes bytes on to a file, and sums them."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.checksum = 0
        self.error: OSError | None = None

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self.checksum = zlib.crc32(content, self.checksum)
        try:
            return self._file.write(content)
        except OSError as error:
            self.error = error
            raise
