"""Delta that chooses itself: how much is rejected, from an estimate of how much is missing."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from largeloss import distributed
from largeloss.errors import CheckpointError, ScheduleError
from largeloss.labels.estimate import missing_share
from largeloss.losses.class_priors import BINS, count_bins
from largeloss.losses.functional import present

EPOCHS = 4
"""First epochs from which the share of missing tags is estimated."""
PACE = 0.01
"""Of all entries: so many more are selected in each epoch, at most."""
REACHED = 0.5
"""Of the epochs after the warm-up: by then the share is reached, and no earlier."""


class Finding(NamedTuple):
    """What a method has estimated in training."""

    text: str  # for the user
    figures: dict[str, float]  # by name
    settled: bool = True  # whether it stays so


class AutoDelta:
    """The share of entries that a large-loss method selects in each epoch.

    In each of the first ``EPOCHS`` epochs the logits of the training steps are counted, and give a
    best-bin bound on the share of missing tags among the unobserved entries. The better the model,
    the closer the bound; later, a model that has memorised its labels would make it too low. The
    least of the bounds is taken. As many entries are selected, but not at once, since what a young
    model finds large is often right: in each epoch no more than ``PACE`` of all entries are added,
    and where the number of epochs is known, as few as reach the share half-way (``REACHED``).

    Args:
        missing: Percent of the unobserved entries that are present; None to estimate it.
        warmup_epochs: Epochs in which nothing is selected; at least one, after which there is an
            estimate.
        growing: Whether the share grows. Else what was selected stays so: each epoch selects what
            the share has grown by. A small share, rounded up to an entry in every batch, would
            add up over the epochs; so this goes by ``PACE`` alone.
        num_epochs: Epochs of the training; None where that is not known.
    """

    def __init__(
        self,
        missing: float | None,
        warmup_epochs: int,
        growing: bool,
        num_epochs: int | None = None,
    ) -> None:
        self.given = missing
        self.source = "as told"  # of what is given, for the user
        self.first = max(warmup_epochs, 1)  # epoch that selects
        self.growing = growing
        self.num_epochs = num_epochs
        self.missing: float | None = None  # fraction of the unobserved entries that is missing
        self.limit = 0.0  # fraction of all entries that is selected at most
        # (2, C, BINS) int64: entries that are not observed absences, observed positives
        self._counts: Tensor | None = None
        self._num_entries = 0
        self._counted_epoch = 0

    def note(self, logits: Tensor, labels: Tensor, epoch: int) -> None:
        """Counts a training batch, where the epoch is one to be counted.

        Raises:
            ScheduleError: it is a later one, and there was nothing to estimate from.
        """
        if epoch >= EPOCHS and self.missing is None:
            raise ScheduleError(
                f"delta_rel='auto' needs the training batches of the epochs before epoch {EPOCHS}, "
                f"and saw none before epoch {epoch}. Begin with set_epoch(0), or restore the "
                "state_dict() of the loss with that of the model."
            )
        if epoch >= EPOCHS or (self.given is not None and self.missing is not None):
            return
        if self._counts is None:
            shape = 2, logits.shape[1], BINS
            self._counts = torch.zeros(shape, dtype=torch.int64, device=logits.device)
        self._counts = self._counts.to(logits.device)  # from a checkpoint
        count_bins(self._counts, logits, (labels != 0, present(labels)))
        self._num_entries += logits.numel()
        self._counted_epoch = epoch

    def commit(self, epoch: int) -> None:
        """Estimates from what all processes have noted before ``epoch``; collective, if anything
        was."""
        if self._counts is None or epoch <= self._counted_epoch:
            return
        counts = distributed.global_sum(self._counts.to(distributed.device())).cpu().numpy()
        entries = distributed.global_count(self._num_entries, distributed.device())
        self._counts, self._num_entries = None, 0
        bound = missing_share(*counts) if self.given is None else self.given / 100
        self.missing = bound if self.missing is None else min(bound, self.missing)
        self.limit = self.missing * int(counts[0].sum() - counts[1].sum()) / entries

    def pace(self) -> float:
        """The fraction of all entries that is added in an epoch."""
        if self.num_epochs is None:
            return PACE
        return min(PACE, self.limit / max(1.0, REACHED * (self.num_epochs - self.first)))

    def rate(self, epoch: int) -> float:
        """The fraction of all entries that is selected in an epoch."""
        now, before = (
            min(self.pace() * max(0, one - self.first + 1), self.limit)
            for one in (epoch, epoch - 1)
        )
        return now if self.growing else now - before

    def finding(self) -> Finding | None:
        """What was estimated, from what, and which rate follows, in percent; None before."""
        if self.missing is None:
            return None
        missing, selected = 100 * self.missing, 100 * self.limit
        epochs = self._counted_epoch + 1
        first = "epoch" if epochs == 1 else f"{epochs} epochs"
        estimated = f"estimated from the predictions of the first {first}"
        source = estimated if self.given is None else self.source
        text = (
            f"Δ auto: {missing:.1f} % of the unobserved entries are taken to be missing tags "
            f"({source}). As many are flagged, {selected:.1f} % of all entries, at most "
            f"{100 * self.pace():.2g} % more in each epoch."
        )
        figures = {"missing_percent": missing, "flagged_percent": selected}
        settled = self.given is not None or self._counted_epoch == EPOCHS - 1
        return Finding(text, figures, settled)

    def state(self) -> dict[str, Any]:
        """For a checkpoint of this process."""
        return {
            "given": self.given,
            "num_epochs": self.num_epochs,
            "missing": self.missing,
            "limit": self.limit,
            "counts": None if self._counts is None else self._counts.cpu().clone(),
            "num_entries": self._num_entries,
            "counted_epoch": self._counted_epoch,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Takes up what :meth:`state` gave.

        Raises:
            CheckpointError: it is something else, or of another share of missing tags.
        """
        state = {"num_epochs": None} | state  # of an earlier version, which did not look at it
        if state.keys() != self.state().keys():
            raise CheckpointError("The checkpoint is not of a loss with delta_rel='auto'.")
        if state["given"] != self.given:
            raise CheckpointError(
                f"The checkpoint is of missing={state['given']}, and not of {self.given}. Where an "
                "audit says so, it has changed since: restore it, or start a new run."
            )
        if state["num_epochs"] is None:
            self.num_epochs = None
        self.missing, self.limit = state["missing"], state["limit"]
        self._counts, self._num_entries = state["counts"], state["num_entries"]
        self._counted_epoch = state["counted_epoch"]
