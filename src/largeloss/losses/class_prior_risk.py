"""CRISP: the mean prediction of each class is drawn to its estimated share of images."""

from typing import Annotated

import torch
from torch import Tensor

from largeloss import distributed
from largeloss.losses.base import Context, Decision, PartialLabelLoss
from largeloss.losses.class_priors import ClassPriors
from largeloss.losses.functional import present
from largeloss.losses.host_copy import sent
from largeloss.losses.settings import Range


class ClassPriorRisk(PartialLabelLoss):
    """Naive AN at first; then absolute loss on observed positives, and on each class's mean p.

    The mean over the classes of ``2 prior mean_P(1 - p) + |mean(p) - prior|``, where mean_P is over
    the class's observed positives in the batch (0 without any) and mean over all its images: the
    risk on complete labels, if the priors are right. They are estimated after each epoch from
    the model's predictions for the training images, first after the warm-up.

    Example:
        >>> loss = ClassPriorRisk(warmup_epochs=1)
        >>> loss.set_epoch(0)  # before each epoch
        >>> logits = torch.tensor([[2.0, -1.0, 0.5, -3.0], [-2.0, 1.5, -0.5, 3.0]])
        >>> labels = torch.tensor([[1, -1, -1, -1], [-1, -1, 0, -1]])
        >>> before = loss(logits, labels)
        >>> loss.relabel(logits[None], labels, torch.tensor([7, 8]))
        >>> loss.set_epoch(1)
        >>> before, loss(logits, labels)
        (tensor(0.8517), tensor(0.4156))

    Args:
        warmup_epochs: Epochs of Naive AN, at least 1. Priors of a model that has learnt little are
            far too high, and a model that is held to them keeps them so: after 1 epoch it does not
            recover on digit scenes.

    Shapes: logits (B, C) float; labels (B, C) integer in {-1, 0, 1}; returns ().
    State: epoch, priors. Needs: nothing. Memory: 8 bytes per class, 8 kB while they are estimated.
    Raises: ScheduleError before set_epoch, for logits that need a gradient.
    Source: Liu et al., 2023, https://arxiv.org/abs/2309.13886. Ours: the length of the warm-up; the
        mean over the classes in place of the sum; priors of rare classes drawn to the mean ratio
        (:func:`~largeloss.labels.estimate.best_bin_priors`). Left out is a term in the logits of
        observed positives, whose weight is not published.
    """

    name = "crisp"
    title = "CRISP"
    paper = "Liu et al., 2023, arXiv:2309.13886"
    scheduled = True
    searched = ("warmup_epochs", (1, 2, 4, 6, 8))
    priors: ClassPriors

    def __init__(self, warmup_epochs: Annotated[int, Range(1)] = 4) -> None:
        super().__init__()
        self.warmup_epochs = warmup_epochs
        self.priors = ClassPriors()

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        positive = present(labels)
        return Decision(positive, None if self.priors.values is None else logits.new_zeros(()))

    def penalty(self, logits: Tensor, labels: Tensor, context: Context) -> Tensor | None:
        if self.priors.values is None:
            return None
        priors = sent(self.priors.values.to(logits.dtype), logits.device)
        positive = present(labels).to(logits.dtype)
        missed = distributed.global_sum((positive * torch.sigmoid(-logits)).sum(dim=0))
        missed = missed / distributed.global_sum(positive.sum(dim=0)).clamp(min=1)
        num_images = max(1, distributed.global_count(len(logits), logits.device))
        mean = distributed.global_sum(torch.sigmoid(logits).sum(dim=0)) / num_images
        return (2 * priors * missed + (mean - priors).abs()).mean()

    def passes(self, epoch: int) -> int:
        return int(epoch >= self.warmup_epochs)
