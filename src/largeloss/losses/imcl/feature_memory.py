"""A memory of the features and labels of training images."""

from typing import Any

import torch
from torch import Tensor

from largeloss import distributed
from largeloss.losses.host_copy import sent


class FeatureMemory:
    """Up to ``size`` images; the same in every process.

    An image that comes again is refreshed in its place; a new one takes a free place, or that of
    the image which has been there longest. With ``keeps`` it takes a free place only.
    """

    def __init__(self, size: int, keeps: bool = False) -> None:
        self.size = size
        self.keeps = keeps
        self.features = torch.zeros(0, 0, device="cpu")  # (M, D)
        self.labels = torch.zeros(0, 0, dtype=torch.int8, device="cpu")  # (M, C)
        self.rows = torch.zeros(0, dtype=torch.int64, device="cpu")  # (M,): the images' numbers
        self.filled = False
        """Whether it has been full, or has every image: a batch has brought none that is new."""
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
        found = enumerate(self._places(rows.tolist()))
        source = {place: position for position, place in found if place is not None}
        length = max([len(self) - 1, *source]) + 1
        self.filled |= length in (len(self), self.size)
        if not source:
            return
        places, positions = (
            torch.tensor(list(part), device="cpu") for part in (source.keys(), source.values())
        )
        self.features, self.labels, self.rows = (
            _replaced(old, length, places, new[sent(positions, new.device)])
            for old, new in ((self.features, features), (self.labels, labels), (self.rows, rows))
        )

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        tensors = {"features": self.features.cpu(), "labels": self.labels.cpu(), "rows": self.rows}
        return {**tensors, "oldest": self._oldest, "filled": self.filled}

    def restore(self, state: dict[str, Any]) -> None:
        """Takes up what :meth:`state` gave."""
        self.features, self.labels = state["features"], state["labels"]
        self.rows, self._oldest = state["rows"], int(state["oldest"])
        self.filled = bool(state["filled"])

    def _places(self, rows: list[int]) -> list[int | None]:
        """Where each row of a batch goes; None: nowhere."""
        place_of = {row: place for place, row in enumerate(self.rows.tolist())}
        row_at = self.rows.tolist()
        places = []
        for row in rows:
            if row not in place_of and len(row_at) < self.size:
                place_of[row] = len(row_at)
                row_at.append(row)
            elif row not in place_of and not self.keeps:
                del place_of[row_at[self._oldest]]
                place_of[row], row_at[self._oldest] = self._oldest, row
                self._oldest = (self._oldest + 1) % self.size
            places.append(place_of.get(row))
        return places


def _replaced(old: Tensor, length: int, places: Tensor, new: Tensor) -> Tensor:
    """A new tensor, since the loss's graph still holds the old one."""
    grown = new.new_zeros((length, *new.shape[1:]))
    grown[: len(old)] = old
    return grown.index_copy_(0, sent(places, new.device), new)
