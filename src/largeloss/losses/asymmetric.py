"""ASL: a focal loss that focuses more on absences than on presences, and forgives small ones."""

from typing import Annotated

import torch
from torch import Tensor

from largeloss.losses.base import Decision, PartialLabelLoss, Reduction
from largeloss.losses.functional import minus_log, power, present
from largeloss.losses.settings import Range

Gamma = Annotated[float, Range(0, meaning="the more, the less an easy entry counts")]
Clip = Annotated[
    float, Range(0, 0.5, meaning="subtracted from the probability of entries taken as absent")
]


class Asymmetric(PartialLabelLoss):
    """Target 0 on unobserved entries; focal, with a shifted probability where the target is 0.

    ``-(1 - p)^gamma_positive log p`` on observed positives, and ``-s^gamma_negative log(1 - s)``
    on all other entries, with ``s = max(p - clip, 0)``.

    Example:
        >>> loss = Asymmetric()
        >>> logits = torch.tensor([[2.0, -1.0, 0.5, -3.0], [-2.0, 1.5, -0.5, 3.0]])
        >>> labels = torch.tensor([[1, -1, -1, -1], [-1, -1, 0, -1]])
        >>> loss(logits, labels)
        tensor(0.2704)

    Args:
        gamma_positive: Published 1.
        gamma_negative: Published 4.
        clip: Published 0.05.
        reduction: ``"mean"``, or ``"sum"`` over the entries, as published.

    Shapes: logits (B, C) float; labels (B, C) integer in {-1, 0, 1}; returns ().
    State: none. Needs: nothing. Memory: none.
    Source: Ridnik et al., ICCV 2021, https://arxiv.org/abs/2009.14119.
    """

    name = "asl"
    title = "ASL"
    paper = "Ridnik et al., ICCV 2021, arXiv:2009.14119"
    expects_unobserved = False
    searched = ("gamma_negative", (0.5, 1.0, 2.0, 4.0, 8.0))

    def __init__(
        self,
        gamma_positive: Gamma = 1.0,
        gamma_negative: Gamma = 4.0,
        clip: Clip = 0.05,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__()
        self.gamma_positive, self.gamma_negative = gamma_positive, gamma_negative
        self.clip, self.reduction = clip, reduction

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        return Decision(present(labels))

    def entry_loss(self, logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
        absent = focused_and_clipped(logits, self.gamma_negative, self.clip)
        return torch.where(targets, focused(logits, self.gamma_positive), absent)


def focused(logits: Tensor, gamma: float) -> Tensor:
    """``-(1 - p)^gamma log p``, of a present entry; with negated logits of an absent one."""
    return power(-logits, gamma) * minus_log(logits)


def focused_and_clipped(logits: Tensor, gamma: float, clip: float) -> Tensor:
    """``-s^gamma log(1 - s)``, ``s = max(p - clip, 0)``, of an absent entry."""
    if not clip:
        return focused(-logits, gamma)
    shifted = torch.sigmoid(logits) - clip
    above = shifted > 0
    base = torch.where(above, shifted, 0.5)  # else its power would have no derivative
    losses = base**gamma * -torch.log(torch.sigmoid(-logits) + clip)
    return torch.where(above, losses, 0.0)
