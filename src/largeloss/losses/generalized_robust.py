"""GR: an unobserved entry has a soft label and a weight, by the probability that it is given."""

from typing import Annotated

import torch
from torch import Tensor
from torch.nn import functional as F

from largeloss.losses.base import Decision, PartialLabelLoss
from largeloss.losses.functional import minus_log, present, unobserved
from largeloss.losses.settings import Range

NumEpochs = Annotated[int, Range(1, meaning="that the schedule has; a run fills in its own number")]
Q = Annotated[float, Range(0, above=True, meaning="near 0: cross-entropy; 1: absolute error")]

_OFFSET, _CENTRE, _SPREAD = -2.0, 0.5, 2.0  # b, mu and sigma in the first epoch; the slope w is 0
_LAST_CENTRE, _LAST_SPREAD = 0.8, 0.5


class GeneralizedRobust(PartialLabelLoss):
    """Cross-entropy on observed entries; a robust loss, soft-labelled and weighted, on others.

    ``v (k (1 - p^q_present) / q_present + (1 - k) (1 - (1 - p)^q_absent) / q_absent)`` on an
    unobserved entry, where its label ``k = sigmoid(w p + b)`` and its weight
    ``v = exp(-(p - mu)^2 / (2 sigma^2))`` have no gradient. From the first epoch to the last, w
    goes from 0 to ``slope``, b from -2 to ``offset``, mu from 0.5 to 0.8, sigma from 2 to 0.5: the
    surer the model may be, the more its probabilities decide.

    Example:
        >>> loss = GeneralizedRobust(num_epochs=8)
        >>> loss.set_epoch(4)  # before each epoch
        >>> logits = torch.tensor([[2.0, -1.0, 0.5, -3.0], [-2.0, 1.5, -0.5, 3.0]])
        >>> labels = torch.tensor([[1, -1, -1, -1], [-1, -1, 0, -1]])
        >>> loss(logits, labels)
        tensor(0.4532)

    Args:
        slope: Of k's logit, at the end; published 2 (VOC), up to 10 elsewhere.
        offset: Of k's logit, at the end; published -2 (VOC), down to -8 elsewhere.
        q_present: Published 0.01.
        q_absent: Published 1 (CUB 1.5).
        num_epochs: Epochs of the schedule. In a run: those of the run.

    Shapes: logits (B, C) float; labels (B, C) integer in {-1, 0, 1}; returns ().
    State: epoch. Needs: nothing. Memory: none.
    Raises: ScheduleError before set_epoch, for logits that need a gradient.
    Source: Chen et al., IJCAI 2024, https://arxiv.org/abs/2405.03501. As in their code, w and b are
        one epoch behind mu and sigma, and end one step before their last values.
    """

    name = "gr"
    title = "GR"
    paper = "Chen et al., IJCAI 2024, arXiv:2405.03501"
    scheduled = True
    searched = ("slope", (1.0, 2.0, 4.0, 8.0, 16.0))

    def __init__(
        self,
        slope: Annotated[float, Range(0)] = 2.0,
        offset: Annotated[float, Range(-100, 100)] = -2.0,
        q_present: Q = 0.01,
        q_absent: Q = 1.0,
        num_epochs: NumEpochs = 10,
    ) -> None:
        super().__init__()
        self.slope, self.offset = slope, offset
        self.q_present, self.q_absent = q_present, q_absent
        self.num_epochs = num_epochs

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        before = min(1, self.current_epoch() / self.num_epochs)
        after = min(1, (self.current_epoch() + 1) / self.num_epochs)
        probability, blank = torch.sigmoid(logits), unobserved(labels)
        offset = _OFFSET + (self.offset - _OFFSET) * before
        label = torch.sigmoid(self.slope * before * probability + offset)
        centre = _CENTRE + (_LAST_CENTRE - _CENTRE) * after
        spread = _SPREAD + (_LAST_SPREAD - _SPREAD) * after
        weight = torch.exp(-(probability - centre).square() / (2 * spread**2))
        known = present(labels).to(logits.dtype)
        return Decision(torch.where(blank, label, known), weight.masked_fill(~blank, 1))

    def entry_loss(self, logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
        blank = unobserved(labels)
        yes = torch.where(blank, _robust(logits, self.q_present), minus_log(logits))
        no = torch.where(blank, _robust(-logits, self.q_absent), minus_log(-logits))
        return targets * yes + (1 - targets) * no


def _robust(logits: Tensor, q: float) -> Tensor:
    """``(1 - p^q) / q``."""
    return -torch.expm1(q * F.logsigmoid(logits)) / q
