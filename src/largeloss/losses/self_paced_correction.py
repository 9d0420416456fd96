"""SPLC: unobserved entries that the model finds likely get target 1 in the step."""

from typing import Annotated

import torch
from torch import Tensor

from largeloss.losses.asymmetric import Gamma, focused
from largeloss.losses.base import Action, Decision, PartialLabelLoss, Reduction
from largeloss.losses.functional import present, unobserved
from largeloss.losses.hill import Margin
from largeloss.losses.large_loss_selection import Epochs
from largeloss.losses.settings import Range


class SelfPacedLossCorrection(PartialLabelLoss):
    """Target 0 on unobserved entries, target 1 on those with p above a threshold; focal.

    ``-(1 - q)^gamma log q`` where the target is 1, with ``q = sigmoid(logits - margin)`` on
    observed positives and ``q = p`` on corrected entries; ``-p^gamma log(1 - p)`` where it is 0.

    Example:
        >>> loss = SelfPacedLossCorrection()
        >>> loss.set_epoch(1)  # before each epoch; 0 is the warm-up
        >>> logits = torch.tensor([[2.0, -1.0, 0.5, -3.0], [-2.0, 1.5, -0.5, 3.0]])
        >>> labels = torch.tensor([[1, -1, -1, -1], [-1, -1, 0, -1]])
        >>> loss(logits, labels)
        tensor(0.0236)

    Args:
        threshold: Published 0.6.
        margin: Published 1.
        gamma: Published 2.
        warmup_epochs: Epochs in which nothing is corrected; published 1.
        reduction: ``"mean"``, or ``"sum"`` over the entries, as published.

    Shapes: logits (B, C) float; labels (B, C) integer in {-1, 0, 1}; returns ().
    State: epoch. Needs: nothing. Memory: none; decided again in every batch.
    Raises: ScheduleError before set_epoch, for logits that need a gradient.
    Source: Zhang et al., 2021, https://arxiv.org/abs/2112.07368.
    """

    name = "splc"
    title = "SPLC"
    paper = "Zhang et al., 2021, arXiv:2112.07368"
    scheduled = True
    searched = ("threshold", (0.4, 0.5, 0.6, 0.7, 0.8))
    linear_init_method = "an"
    action = Action(
        "Corrected", "SPLC sets the target of the class to present in that step.", "likely"
    )

    def __init__(
        self,
        threshold: Annotated[float, Range(0, 1)] = 0.6,
        margin: Margin = 1.0,
        gamma: Gamma = 2.0,
        warmup_epochs: Epochs = 1,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__()
        self.threshold, self.margin, self.gamma = threshold, margin, gamma
        self.warmup_epochs, self.reduction = warmup_epochs, reduction

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        return Decision(present(labels) | self.flagged(logits, labels, rows))

    def flagged(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Tensor:
        blank = unobserved(labels)
        if self.current_epoch() < self.warmup_epochs:
            return torch.zeros_like(blank)
        return blank & (torch.sigmoid(logits) > self.threshold)

    def entry_loss(self, logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
        wanted = logits - self.margin * present(labels).to(logits.dtype)
        return torch.where(targets, focused(wanted, self.gamma), focused(-logits, self.gamma))
