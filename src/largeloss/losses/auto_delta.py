"""Delta that chooses itself: how much is rejected, from an estimate of how much is missing."""

from typing import Any

import torch
from torch import Tensor

from largeloss import distributed
from largeloss.errors import CheckpointError, ScheduleError
from largeloss.labels.estimate import missing_share
from largeloss.losses.base import Finding
from largeloss.losses.class_priors import BINS, count_bins
from largeloss.losses.functional import present

LOOSENESS = 2.2
"""By so much the bound exceeds the share of missing tags, where that is known."""
FACTOR = 1.0
"""Selected entries in multiples of those taken to be missing."""
REACHED_IN = 5
"""Epochs in which the share of selected entries grows to its last value."""


class AutoDelta:
    """The share of entries that a large-loss method selects in each epoch.

    In the second epoch, epoch 1, the logits of the training steps are counted: predictions for
    images that were learnt from once. The best-bin estimate makes a bound of them on the share of
    missing tags among the unobserved entries; the true share is about ``1 / LOOSENESS`` of it.
    ``FACTOR`` times that is selected: nothing until the estimate is made, then growing to it in
    ``REACHED_IN`` epochs. Where ``missing`` says the share, nothing is estimated, and one epoch is
    enough to count the unobserved entries.

    Args:
        missing: Percent of the unobserved entries that are present; None to estimate it.
        warmup_epochs: Epochs in which nothing is selected, if that is more.
        growing: Whether the share grows. Else what was selected stays so: each of the
            ``REACHED_IN`` epochs selects a part of it, later ones nothing.
    """

    def __init__(self, missing: float | None, warmup_epochs: int, growing: bool) -> None:
        self.given = missing
        self.counted_epoch = 1 if missing is None else 0
        self.first = max(warmup_epochs, self.counted_epoch + 1)  # epoch that selects
        self.growing = growing
        self.missing: float | None = None  # fraction of the unobserved entries that is missing
        self.last_rate: float | None = None  # fraction of all entries that is selected at the end
        # (2, C, BINS) int64: entries that are not observed absences, observed positives
        self._counts: Tensor | None = None
        self._num_entries = 0

    def note(self, logits: Tensor, labels: Tensor, epoch: int) -> None:
        """Counts a training batch, where the epoch is one to be counted.

        Raises:
            ScheduleError: it is a later one, and there was nothing to estimate from.
        """
        if self.last_rate is not None or epoch < self.counted_epoch:
            return
        if epoch > self.counted_epoch:
            raise ScheduleError(
                f"delta_rel='auto' needs the training batches of epoch {self.counted_epoch}, and "
                f"saw none before epoch {epoch}. Begin with set_epoch(0), or restore the "
                "state_dict() of the loss with that of the model."
            )
        if self._counts is None:
            shape = 2, logits.shape[1], BINS
            self._counts = torch.zeros(shape, dtype=torch.int64, device=logits.device)
        self._counts = self._counts.to(logits.device)  # from a checkpoint
        count_bins(self._counts, logits, (labels != 0, present(labels)))
        self._num_entries += logits.numel()

    def commit(self, epoch: int) -> None:
        """Estimates from what all processes have noted before ``epoch``; collective, if anything
        was."""
        if self._counts is None or epoch <= self.counted_epoch:
            return
        counts = distributed.global_sum(self._counts.to(distributed.device())).cpu().numpy()
        entries = distributed.global_count(self._num_entries, distributed.device())
        self._counts, self._num_entries = None, 0
        if self.given is None:
            self.missing = missing_share(*counts) / LOOSENESS
        else:
            self.missing = self.given / 100
        unobserved = int(counts[0].sum() - counts[1].sum()) / entries
        self.last_rate = min(1, FACTOR * self.missing) * unobserved

    def rate(self, epoch: int) -> float:
        """The fraction of all entries that is selected in an epoch."""
        step = epoch - self.first + 1
        if self.last_rate is None or step <= 0:
            return 0
        if self.growing:
            return self.last_rate * min(1, step / REACHED_IN)
        return self.last_rate / REACHED_IN if step <= REACHED_IN else 0

    def finding(self) -> Finding | None:
        """What was estimated, from what, and which rate follows, in percent; None before."""
        if self.missing is None or self.last_rate is None:
            return None
        missing, selected = 100 * self.missing, 100 * self.last_rate
        source = "as given"
        if self.given is None:
            source = (
                f"a rough estimate: by the predictions of epoch {self.counted_epoch} at most "
                f"{LOOSENESS * missing:.1f} %"
            )
        last = self.first + REACHED_IN - 1
        when = f"reached in epoch {last}" if self.growing else f"in epochs {self.first} to {last}"
        text = (
            f"Δ auto: {missing:.1f} % of the unobserved entries are taken to be missing tags "
            f"({source}); {FACTOR:g} times as many are flagged: {selected:.1f} % of all "
            f"entries, {when}."
        )
        return Finding(text, {"missing_percent": missing, "flagged_percent": selected})

    def state(self) -> dict[str, Any]:
        """For a checkpoint of this process."""
        return {
            "given": self.given,
            "missing": self.missing,
            "last_rate": self.last_rate,
            "counts": None if self._counts is None else self._counts.cpu().clone(),
            "num_entries": self._num_entries,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Takes up what :meth:`state` gave.

        Raises:
            CheckpointError: it is something else, or of another share of missing tags.
        """
        if state.keys() != self.state().keys():
            raise CheckpointError("The checkpoint is not of a loss with delta_rel='auto'.")
        if state["given"] != self.given:
            raise CheckpointError(
                f"The checkpoint is of missing={state['given']}, and not of {self.given}. Where an "
                "audit says so, it has changed since: restore it, or start a new run."
            )
        self.missing, self.last_rate = state["missing"], state["last_rate"]
        self._counts, self._num_entries = state["counts"], state["num_entries"]
