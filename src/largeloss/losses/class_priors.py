"""The share of images in which each class is present, estimated from predictions."""

from collections.abc import Sequence

import torch
from torch import Tensor

from largeloss import distributed
from largeloss.errors import CheckpointError
from largeloss.labels.estimate import best_bin_priors

BINS = 513
"""Of logits from -16 to 16, by sixteenths; what lies beyond counts as the end."""


def count_bins(counts: Tensor, logits: Tensor, chosen: Sequence[Tensor]) -> None:
    """Adds to ``counts`` how many of the chosen entries of each class have a logit in each bin.

    Shapes: counts (K, C, BINS) int64; logits (B, C); chosen K times (B, C) bool; all on one device,
    which is not waited for.
    """
    num_classes = logits.shape[1]
    places = ((logits.double().clamp(-16, 16) + 16) * 16).floor().long()
    places += BINS * torch.arange(num_classes, device=logits.device)
    for count, entries in zip(counts.view(len(chosen), -1), chosen, strict=True):
        count.index_add_(0, places.flatten(), entries.flatten().long())


class ClassPriors:
    """The priors of one loss: noted in chunks of the training images, committed between epochs.

    Counts by bins of the logits are all that is kept of the predictions: whole numbers, so that
    several processes have the priors of one.
    """

    def __init__(self) -> None:
        self.values: Tensor | None = None  # (C,) float64, on the CPU; None before the first commit
        self._counts: Tensor | None = None  # (2, C, BINS) int64: all images, observed positives

    def note(self, logits: Tensor, labels: Tensor) -> None:
        """Adds a chunk; logits (B, C), labels (B, C) as given."""
        logits, labels = logits.detach().cpu(), labels.cpu()
        if self._counts is None:
            self._counts = torch.zeros((2, logits.shape[1], BINS), dtype=torch.int64, device="cpu")
        count_bins(self._counts, logits, (torch.ones_like(labels, dtype=torch.bool), labels == 1))

    def commit(self) -> None:
        """Estimates the priors of what all processes have noted; collective, if anything was."""
        if self._counts is None:
            return
        counts = distributed.global_sum(self._counts.to(distributed.device())).cpu()
        self.values = torch.from_numpy(best_bin_priors(*counts.numpy()))
        self._counts = None

    def state(self) -> dict[str, Tensor]:
        """For a checkpoint of this process; what is None is left out."""
        parts = {"values": self.values, "counts": self._counts}
        return {name: part for name, part in parts.items() if part is not None}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Takes up what :meth:`state` gave.

        Raises:
            CheckpointError: it is something else.
        """
        if unknown := state.keys() - {"values", "counts"}:
            raise CheckpointError(f"The checkpoint holds {', '.join(unknown)} in place of priors.")
        self.values, self._counts = state.get("values"), state.get("counts")
