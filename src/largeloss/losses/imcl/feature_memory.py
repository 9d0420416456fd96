"""A memory of the features and labels of training images, the newest of them."""

from typing import Any

import torch
from torch import Tensor

from largeloss import distributed
from largeloss.losses.host_copy import sent


class FeatureMemory:
    """Up to ``size`` images; the same in every process.

    An image that comes again is refreshed in its place; a new one takes a free place, or that of
    the image which has been there longest.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.features = torch.zeros(0, 0)  # (M, D)
        self.labels = torch.zeros(0, 0, dtype=torch.int8)  # (M, C)
        self.rows = torch.zeros(0, dtype=torch.int64)  # (M,): the images' numbers, on the CPU
        self._oldest = 0

    def __len__(self) -> int:
        return len(self.rows)

    @torch.no_grad()
    def update(self, features: Tensor, labels: Tensor, rows: Tensor) -> None:
        """Takes up the (global) batch: (B, D), (B, C), (B,); collective."""
        rows = distributed.gather(rows.to(distributed.device())).cpu().long()
        features = distributed.gather(features.detach())
        labels = distributed.gather(labels.to(torch.int8))
        if not len(self):
            self.features = features.new_zeros((0, features.shape[1]))
            self.labels = labels.new_zeros((0, labels.shape[1]))
        # Of a batch larger than the memory, the last to take a place stays there.
        source = {place: position for position, place in enumerate(self._places(rows.tolist()))}
        places, positions = (torch.tensor(list(part)) for part in (source.keys(), source.values()))
        length = max(len(self), int(places.max()) + 1)
        self.features, self.labels, self.rows = (
            _replaced(old, length, places, new[sent(positions, new.device)])
            for old, new in ((self.features, features), (self.labels, labels), (self.rows, rows))
        )

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        tensors = {"features": self.features.cpu(), "labels": self.labels.cpu(), "rows": self.rows}
        return {**tensors, "oldest": self._oldest}

    def restore(self, state: dict[str, Any]) -> None:
        """Takes up what :meth:`state` gave."""
        self.features, self.labels = state["features"], state["labels"]
        self.rows, self._oldest = state["rows"], int(state["oldest"])

    def _places(self, rows: list[int]) -> list[int]:
        """Where each row of a batch goes."""
        place_of = {row: place for place, row in enumerate(self.rows.tolist())}
        row_at = self.rows.tolist()
        places = []
        for row in rows:
            if row not in place_of and len(row_at) < self.size:
                place_of[row] = len(row_at)
                row_at.append(row)
            elif row not in place_of:
                del place_of[row_at[self._oldest]]
                place_of[row], row_at[self._oldest] = self._oldest, row
                self._oldest = (self._oldest + 1) % self.size
            places.append(place_of[row])
        return places


def _replaced(old: Tensor, length: int, places: Tensor, new: Tensor) -> Tensor:
    """A new tensor, since the loss's graph still holds the old one."""
    grown = new.new_zeros((length, *new.shape[1:]))
    grown[: len(old)] = old
    return grown.index_copy_(0, sent(places, new.device), new)
