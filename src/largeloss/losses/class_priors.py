"""The share of images in which each class is present, estimated from predictions."""

import torch
from torch import Tensor

from largeloss import distributed
from largeloss.errors import CheckpointError
from largeloss.labels.estimate import best_bin_priors

BINS = 513
"""Of logits from -16 to 16, by sixteenths; what lies beyond counts as the end."""


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
        logits, labels = logits.detach().cpu().double(), labels.cpu()
        num_classes = logits.shape[1]
        places = ((logits.clamp(-16, 16) + 16) * 16).floor().long()
        places += BINS * torch.arange(num_classes, device="cpu")
        size = num_classes * BINS
        counts = torch.stack(
            [
                torch.bincount(chosen.flatten(), minlength=size).view(num_classes, BINS)
                for chosen in (places, places[labels == 1])
            ]
        )
        self._counts = counts if self._counts is None else self._counts + counts

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
