"""Label edits that a loss makes: proposed in the step, committed between epochs.

Sparse: a proposal appends tensors to a log; a commit gathers the log of all processes and merges
it into sorted arrays, which a batch then looks up by row. A step on a GPU is not waited for: what
it proposes is read when the next one proposes something.
"""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from largeloss import distributed
from largeloss.errors import CheckpointError, ConfigError
from largeloss.losses.host_copy import HostCopy, sent


@dataclass(frozen=True)
class Edits:
    """Unobserved entries that were labelled; equal-length arrays on the CPU."""

    rows: Tensor  # (E,) int64
    columns: Tensor  # (E,) int32: the classes
    epochs: Tensor  # (E,) int32: when
    losses: Tensor  # (E,) float32: the assume-negative loss, ``softplus(logit)``, at that time
    states: Tensor  # (E,) int8: 1 present or 0 absent

    @classmethod
    def none(cls) -> Self:
        """No edits."""
        whole = torch.zeros(0, dtype=torch.int32, device="cpu")
        return cls(whole.long(), whole, whole.clone(), whole.float(), whole.to(torch.int8))

    @classmethod
    def join(cls, parts: list[Self]) -> Self:
        """One after the other."""
        return cls(*map(torch.cat, zip(*(vars(part).values() for part in parts), strict=True)))

    def at(self, index: Tensor) -> Self:
        """Those at ``index``."""
        return type(self)(*(values[index] for values in vars(self).values()))

    def __len__(self) -> int:
        return len(self.rows)


class _Proposal(NamedTuple):
    """The entries of one step, on the CPU; worked out entry by entry at the commit."""

    rows: Tensor  # (B,): images
    places: Tensor  # (E,): positions in the flat batch
    logits: Tensor  # (E,)
    num_classes: int
    epoch: int
    states: Tensor | None  # (E,) int8; None where all are present

    def edits(self) -> Edits:
        """The same, entry by entry."""
        batch = self.places // self.num_classes
        size = (len(self.places),)
        return Edits(
            self.rows.long()[batch],
            (self.places - batch * self.num_classes).int(),
            self.places.new_full(size, self.epoch, dtype=torch.int32),
            F.softplus(self.logits).float(),
            self.places.new_ones(size, dtype=torch.int8) if self.states is None else self.states,
        )


class EditMemory:
    """The edits of one loss. ``committed`` are in force, sorted by row and class."""

    def __init__(self) -> None:
        self.committed = Edits.none()
        self._log: list[_Proposal] = []
        self._arriving: deque[tuple[HostCopy, HostCopy, int, HostCopy | None]] = deque()
        self._restored = Edits.none()

    def applied_to(self, labels: Tensor, rows: Tensor) -> Tensor:
        """(B, C) ``labels`` with the committed edits of the images ``rows``.

        An observed entry is never overwritten.

        Raises:
            ConfigError: an edit names a class that ``labels`` does not have.
        """
        if not len(self.committed):
            return labels
        rows = rows.detach().cpu().long()
        first = torch.searchsorted(self.committed.rows, rows)
        counts = torch.searchsorted(self.committed.rows, rows, right=True) - first
        if not int(counts.sum()):
            return labels
        batch = torch.repeat_interleave(torch.arange(len(rows), device="cpu"), counts)
        within = torch.arange(len(batch), device="cpu") - torch.repeat_interleave(
            counts.cumsum(0) - counts, counts
        )
        edits = self.committed.at(first[batch] + within)
        columns = edits.columns.long()
        if int(columns.max()) >= labels.shape[1]:
            raise ConfigError(
                f"The label edits name class {int(columns.max())}, but the labels have "
                f"{labels.shape[1]} classes. Use one loss object for one set of classes."
            )
        edited = labels.to(torch.int8, copy=True)
        batch, columns, states = (
            sent(part, labels.device) for part in (batch, columns, edits.states)
        )
        edited[batch, columns] = states
        return torch.where(labels < 0, edited, labels)

    def propose(
        self,
        rows: Tensor,
        chosen: Tensor,
        logits: Tensor,
        epoch: int,
        states: Tensor | None = None,
    ) -> None:
        """Notes the ``chosen`` entries of the images ``rows``.

        Shapes: rows (B,); chosen (B, C) bool; logits (B, C); states (B, C), 1 present or 0 absent,
        None is present for all.
        """
        rows, logits = rows.clone(), logits.detach()
        if chosen.device.type == "cpu":
            self._note(rows.cpu(), chosen, logits, epoch, states)
            return
        logits = torch.where(chosen, logits, torch.nan)
        copied = None if states is None else HostCopy(states)
        self._arriving.append((HostCopy(rows), HostCopy(logits), epoch, copied))
        if len(self._arriving) > 1:
            self._receive()

    def _receive(self) -> None:
        """Waits for the oldest proposal that is on its way from the GPU."""
        rows, masked, epoch, states = self._arriving.popleft()
        logits = masked.wait()
        copied = None if states is None else states.wait()
        # Cloned: what was copied to is freed for the next step.
        self._note(rows.wait().clone(), ~logits.isnan(), logits, epoch, copied)

    def _note(
        self, rows: Tensor, chosen: Tensor, logits: Tensor, epoch: int, states: Tensor | None
    ) -> None:
        """All on the CPU, where NumPy finds few of many much faster than torch does."""
        places = torch.from_numpy(np.flatnonzero(chosen.numpy()))
        picked = logits.flatten().index_select(0, places)
        chosen_states = None if states is None else states.flatten()[places].to(torch.int8)
        self._log.append(_Proposal(rows, places, picked, chosen.shape[1], epoch, chosen_states))

    def commit(self, replace: bool = False) -> None:
        """Brings all proposals of all processes into force; collective.

        With ``replace`` they take the place of everything committed so far; else they are added,
        and an entry's first edit stays.
        """
        device = distributed.device()
        own = (values.to(device) for values in vars(self._proposed()).values())
        log = Edits(*(distributed.gather(values).cpu() for values in own))  # in rank order
        self._log, self._restored = [], Edits.none()
        everything = log if replace else Edits.join([self.committed, log])
        if not len(everything):
            self.committed = everything
            return
        num_classes = int(everything.columns.max()) + 1
        keys, order = torch.sort(everything.rows * num_classes + everything.columns, stable=True)
        first = torch.ones_like(keys, dtype=torch.bool)
        first[1:] = keys[1:] != keys[:-1]
        self.committed = everything.at(order[first])

    def state(self) -> dict[str, Tensor]:
        """Committed and proposed edits as tensors, for a checkpoint of this process."""
        edits = {"committed": self.committed, "proposed": self._proposed()}
        return {f"{kind}.{n}": values for kind in edits for n, values in vars(edits[kind]).items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Takes up what :meth:`state` gave.

        Raises:
            CheckpointError: the state holds no edits.
        """
        try:
            committed, proposed = (
                Edits(*(state[f"{kind}.{name}"].cpu() for name in Edits.__annotations__))
                for kind in ("committed", "proposed")
            )
        except KeyError as missing:
            raise CheckpointError(
                f"The checkpoint has no label edits ({missing} is missing): it was not written by "
                "this method."
            ) from None
        self.committed = committed
        self._log, self._restored = [], proposed
        self._arriving.clear()

    def _proposed(self) -> Edits:
        """All that was proposed by this process since the last commit."""
        while self._arriving:
            self._receive()
        return Edits.join([self._restored, *(proposal.edits() for proposal in self._log)])
