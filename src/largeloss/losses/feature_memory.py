"""A memory of the features and labels of training images, the newest of them."""

from typing import Any

import torch
from torch import Tensor

from largeloss import distributed


class FeatureMemory:
    """Up to ``size`` images; the same in every process.

    An image that comes again is refreshed in its place; a new one takes a free place, or that of
    the image which has been there longest.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.features = torch.zeros(0, 0)
        """(M, D)."""
        self.labels = torch.zeros(0, 0, dtype=torch.int8)
        """(M, C)."""
        self.rows = torch.zeros(0, dtype=torch.int64)
        """(M,): the images' numbers, on the CPU."""
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
        places = self._places(rows.tolist())
        grown = max(len(self), max(places, default=-1) + 1)
        self.features = _enlarged(self.features.to(features.device), grown)
        self.labels = _enlarged(self.labels.to(labels.device), grown)
        self.rows = _enlarged(self.rows, grown)
        # The last of an image's places wins where a batch is larger than the memory.
        for position, place in enumerate(places):
            self.features[place] = features[position]
            self.labels[place] = labels[position]
            self.rows[place] = rows[position]

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {
            "features": self.features.cpu(),
            "labels": self.labels.cpu(),
            "rows": self.rows,
            "oldest": self._oldest,
        }

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
            place = place_of.get(row)
            if place is None and len(row_at) < self.size:
                place = len(row_at)
                row_at.append(row)
            elif place is None:
                place = self._oldest
                self._oldest = (self._oldest + 1) % self.size
                del place_of[row_at[place]]
                row_at[place] = row
            place_of[row] = place
            places.append(place)
        return places


def _enlarged(tensor: Tensor, length: int) -> Tensor:
    if len(tensor) == length:
        return tensor
    return torch.cat([tensor, tensor.new_zeros((length - len(tensor), *tensor.shape[1:]))])
