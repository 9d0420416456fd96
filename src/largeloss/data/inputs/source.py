"""Where a batch's inputs come from: files, or arrays in memory."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from largeloss.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

_ROWS = 4096  # looked at in one go


class Source(Protocol):
    """N inputs, read by row."""

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """(3, H, W) of images, (D,) of features."""

    @property
    def in_memory(self) -> bool:
        """Whether reading is so cheap that worker processes would only slow it down."""

    def __len__(self) -> int: ...

    def read(self, rows: Sequence[int], flips: Sequence[bool]) -> "Tensor":
        """(B, 3, H, W) uint8 images, mirrored where ``flips`` says so; (B, D) float features."""

    def fingerprint(self, rows: NDArray[np.int64]) -> str:
        """Digest of the content of the inputs ``rows``, wherever they lie; of files their bytes."""


@dataclass(frozen=True)
class ImageArray:
    """Images in memory, (N, 3, H, W) uint8."""

    pixels: NDArray[np.uint8]
    in_memory = True

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return self.pixels.shape[1:]

    def __len__(self) -> int:
        return len(self.pixels)

    def read(self, rows: Sequence[int], flips: Sequence[bool]) -> "Tensor":
        import torch  # not above: work on labels alone does without

        batch = torch.from_numpy(self.pixels[np.asarray(rows, dtype=np.int64)])
        mirrored = torch.tensor(list(flips), dtype=torch.bool)
        if bool(mirrored.any()):
            batch[mirrored] = batch[mirrored].flip(-1)
        return batch

    def fingerprint(self, rows: NDArray[np.int64]) -> str:
        return _digest(self.pixels, rows)


@dataclass(frozen=True)
class FeatureArray:
    """Features in memory, (N, D) float32."""

    values: "Tensor"
    in_memory = True

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return tuple(self.values.shape[1:])

    def __len__(self) -> int:
        return len(self.values)

    def read(self, rows: Sequence[int], flips: Sequence[bool]) -> "Tensor":
        import torch

        return self.values.index_select(0, torch.tensor(rows, dtype=torch.int64))

    def fingerprint(self, rows: NDArray[np.int64]) -> str:
        return _digest(self.values.numpy(), rows)


@dataclass(frozen=True)
class LabelsOnly:
    """N inputs that are not looked at, for work on labels alone."""

    num: int
    in_memory = True
    sample_shape = (0,)

    def __len__(self) -> int:
        return self.num

    def read(self, rows: Sequence[int], flips: Sequence[bool]) -> "Tensor":
        raise DataError("These are labels alone: there is no input to read.")

    def fingerprint(self, rows: NDArray[np.int64]) -> str:
        raise DataError("These are labels alone: there is no input to read.")


def _digest(values: NDArray[Any], rows: NDArray[np.int64]) -> str:
    found = hashlib.blake2b(f"{values.dtype.str} {values.shape[1:]}".encode(), digest_size=32)
    for start in range(0, len(rows), _ROWS):
        found.update(np.ascontiguousarray(values[rows[start : start + _ROWS]]).data)
    return found.hexdigest()
