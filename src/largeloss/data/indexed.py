"""The number of each image beside it, for methods that remember images."""

from collections.abc import Mapping
from typing import Any, Protocol

from torch.utils.data import Dataset

from largeloss.errors import DataError

ROWS = "rows"


class MapStyle(Protocol):
    """What can be indexed by the number of an image."""

    def __len__(self) -> int: ...

    def __getitem__(self, row: int, /) -> Any: ...


class IndexedDataset(Dataset[Any]):
    """Any map-style data set, with the number of each sample as its last item.

    Methods whose ``needs`` name rows (LL-Cp, ROLE, curriculum) take these numbers as ``rows``. A
    sample ``(image, labels)`` becomes ``(image, labels, row)``; a mapping gets one more key,
    ``"rows"``. Wrap the whole data set before it is divided, by ``torch.utils.data.random_split``,
    and the numbers stay those of the whole.

    Args:
        dataset: Of N samples: tuples, lists, mappings, or anything else.

    Example:
        >>> IndexedDataset(["a", "b"])[1]
        ('b', 1)
    """

    def __init__(self, dataset: MapStyle) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, row: int) -> Any:
        """
        Raises:
            DataError: the sample has rows already, or ``row`` is negative.
        """
        if row < 0:
            raise DataError(f"Samples are numbered from 0 on, got {row}.")
        sample = self.dataset[row]
        if isinstance(sample, Mapping):
            if ROWS in sample:
                raise DataError(f"The samples have a key {ROWS!r} already. Rename it.")
            return {**sample, ROWS: row}
        return (*sample, row) if isinstance(sample, tuple | list) else (sample, row)
