"""EM+APL: the least likely unobserved entries get soft labels, class by class, between epochs."""

import math
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from largeloss import distributed
from largeloss.errors import CheckpointError, ConfigError
from largeloss.labels.table import LabelTable
from largeloss.losses.base import Decision, PartialLabelLoss
from largeloss.losses.entropy_maximization import EntropyWeight, cross_entropy_or_entropy
from largeloss.losses.functional import check_table_fits, unobserved
from largeloss.losses.generalized_robust import NumEpochs
from largeloss.losses.host_copy import sent
from largeloss.losses.settings import Range

_BYTES_PER_ENTRY = 24  # float32: the table; in a commit the predictions, and their order


class AsymmetricPseudoLabels(PartialLabelLoss):
    """As EM, with soft labels for the least likely unobserved entries, more after each epoch.

    The mean of cross-entropy on observed entries, ``soft_label_weight * CE(p, soft label)`` where
    there is one, and ``-entropy_weight * H(p)`` elsewhere. From the warm-up on, after each epoch,
    ``floor(share * unobserved / (num_epochs - warmup_epochs))`` entries of each class get one:
    those with the lowest p in :meth:`relabel` that have none. It is that p, and never changes.

    Example:
        >>> loss = AsymmetricPseudoLabels(warmup_epochs=1, num_epochs=2)
        >>> loss.set_epoch(0)  # before each epoch
        >>> logits = torch.tensor([[2.0, -1.0, 0.5, -3.0], [-2.0, 1.5, -0.5, 3.0]])
        >>> labels = torch.tensor([[1, -1, -1, -1], [-1, -1, 0, -1]])
        >>> rows = torch.tensor([7, 8])
        >>> loss.relabel(logits[None], labels, rows)  # classes with two unobserved entries: one
        >>> loss.set_epoch(1)
        >>> (loss.soft_labels >= 0).sum(dim=1)[rows]
        tensor([2, 0])

    Args:
        entropy_weight: Published 0.2 (VOC), 0.1 (COCO, NUS-WIDE), 0.01 (CUB).
        soft_label_weight: Published 0.02 (VOC), 0.9 (COCO), 0.2 (NUS-WIDE), 0.4 (CUB).
        warmup_epochs: Epochs before labels are first given; published 5 (NUS-WIDE 4, CUB 3).
        share: Of the unobserved entries, over all epochs; published 0.9.
        num_epochs: Epochs over which they are spread; published 10. In a run: those of the run.

    Shapes: logits (B, C) float; labels (B, C) integer in {-1, 0, 1}; rows (B,); returns ().
    State: epoch, soft labels. Needs: rows. Memory: 4 bytes for every entry of the data set.
    Raises: ScheduleError before set_epoch, for logits that need a gradient; ConfigError for a table
        that does not fit into memory.
    Source: Zhou et al., ECCV 2022, https://arxiv.org/abs/2203.16219. Of entries with equal p the
        lowest rows are taken.
    """

    name = "em-apl"
    title = "EM+APL"
    paper = "Zhou et al., ECCV 2022, arXiv:2203.16219"
    needs = frozenset({"rows"})
    scheduled = True
    searched = ("soft_label_weight", (0.02, 0.1, 0.2, 0.4, 0.9))

    def __init__(
        self,
        entropy_weight: EntropyWeight = 0.2,
        soft_label_weight: Annotated[float, Range(0)] = 0.02,
        warmup_epochs: Annotated[int, Range(1)] = 5,
        share: Annotated[float, Range(0, 1)] = 0.9,
        num_epochs: NumEpochs = 10,
    ) -> None:
        super().__init__()
        self.entropy_weight, self.soft_label_weight, self.share = (
            entropy_weight,
            soft_label_weight,
            share,
        )
        self.warmup_epochs, self.num_epochs = warmup_epochs, num_epochs
        # (N, C) on the CPU, -1 where there is none; no buffer, which DDP would overwrite.
        self.soft_labels = torch.zeros(0, 0, device="cpu")
        self._seen: list[tuple[Tensor, Tensor]] = []  # rows (B,), p (B, C) with -1 where observed

    @classmethod
    def arguments(
        cls, table: LabelTable, rows: NDArray[np.int64], settings: Mapping[str, Any]
    ) -> tuple[dict[str, Any], list[str]]:
        check_table_fits("EM+APL keeps", table.shape, _BYTES_PER_ENTRY)
        loss, remarks = cls(**settings), []
        if loss.warmup_epochs >= loss.num_epochs:
            one = loss.num_epochs == 1
            remarks.append(
                f"{'The one epoch is' if one else f'All {loss.num_epochs} epochs are'} the warm-up "
                "of em-apl: no soft label is given, and it trains as em. Train longer (--epochs), "
                "or set fewer warmup_epochs (--set method.warmup_epochs=N)."
            )
        return dict(settings), remarks

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        assert rows is not None
        blank = unobserved(labels)
        targets = torch.where(blank, self._soft_labels_of(rows, logits), labels.to(logits.dtype))
        weights = logits.new_ones(labels.shape).masked_fill_(blank, self.soft_label_weight)
        return Decision(targets, weights.masked_fill_(targets < 0, self.entropy_weight))

    def entry_loss(self, logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
        return cross_entropy_or_entropy(logits, targets)

    def _soft_labels_of(self, rows: Tensor, logits: Tensor) -> Tensor:
        """(B, C): -1 where there is none."""
        self._check_classes(logits)
        found = torch.full(logits.shape, -1.0, dtype=logits.dtype, device="cpu")
        if len(self.soft_labels):
            rows = rows.cpu()
            known = rows < len(self.soft_labels)
            found[known] = self.soft_labels[rows[known]].to(logits.dtype)
        return sent(found, logits.device)

    def _check_classes(self, logits: Tensor) -> None:
        known, given = self.soft_labels.shape[1], logits.shape[-1]
        if known not in (0, given):
            raise ConfigError(
                f"The soft labels are of {known} classes, the logits of {given}. Use one loss "
                "object for one set of classes."
            )

    def passes(self, epoch: int) -> int:
        return int(epoch >= self.warmup_epochs)

    def note_predictions(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> None:
        assert rows is not None
        self._check_classes(logits)
        probabilities = torch.sigmoid(logits.mean(dim=0)).masked_fill(labels >= 0, -1)
        self._seen.append((rows.cpu(), probabilities.cpu()))

    def lacks_predictions(self) -> bool:
        return self.passes(self.current_epoch()) > 0 and not len(self.soft_labels)

    def set_epoch(self, epoch: int) -> None:
        """Gives the soft labels that follow from what :meth:`relabel` was shown; collective."""
        super().set_epoch(epoch)
        if not self._seen:
            return
        device = distributed.device()
        own = (torch.cat(parts).to(device) for parts in zip(*self._seen, strict=True))
        rows, probabilities = (distributed.gather(part).cpu() for part in own)
        self._seen = []
        size = max(len(self.soft_labels), int(rows.max()) + 1)
        before, shape = self.soft_labels, (size, probabilities.shape[1])
        self.soft_labels = probabilities.new_full(shape, -1.0)
        self.soft_labels[: len(before), : before.shape[1]] = before
        order = torch.argsort(rows)
        self._label(rows[order], probabilities[order])

    def _label(self, rows: Tensor, probabilities: Tensor) -> None:
        """``rows`` (M,) rise, ``probabilities`` (M, C) are -1 where observed."""
        given = self.soft_labels[rows]
        for column in range(probabilities.shape[1]):
            values = probabilities[:, column]
            num_unobserved = int((values >= 0).sum())
            epochs = max(1, self.num_epochs - self.warmup_epochs)
            count = math.floor(round(self.share * num_unobserved / epochs, 9))
            free = torch.where((values >= 0) & (given[:, column] < 0))[0]
            chosen = free[torch.argsort(values[free], stable=True)[:count]]
            self.soft_labels[rows[chosen], column] = values[chosen]

    def get_extra_state(self) -> dict[str, Any]:
        state = super().get_extra_state() | {"soft_labels": self.soft_labels}
        if self._seen:
            rows, probabilities = map(torch.cat, zip(*self._seen, strict=True))
            state |= {"rows": rows, "probabilities": probabilities}
        return state

    def set_extra_state(self, state: dict[str, Any]) -> None:
        if "soft_labels" not in state:
            raise CheckpointError("The checkpoint has no soft labels: it is of another method.")
        super().set_extra_state(state)
        self.soft_labels = state["soft_labels"].cpu()
        self._seen = [(state["rows"], state["probabilities"])] if "rows" in state else []
