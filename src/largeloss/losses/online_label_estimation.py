"""ROLE: a table of estimated labels is trained beside the classifier, each by the other."""

import math
from typing import ClassVar

import psutil
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from largeloss.errors import ConfigError
from largeloss.losses.base import Context, Decision, PartialLabelLoss
from largeloss.losses.cross_entropy import mean_cross_entropy
from largeloss.losses.functional import (
    check_expected_positives,
    expected_positives_penalty,
    present,
)
from largeloss.losses.host_copy import sent

_BYTES_PER_ENTRY = 16  # float32: the table, its gradient, Adam's two moments


class RegularizedOnlineLabelEstimation(PartialLabelLoss):
    """Believes observed positives and its own estimate q of every label, which is trained.

    With ``q = sigmoid(estimate[rows])``, ``CE(a, b) = -a log b - (1 - a) log(1 - b)``, whose first
    argument gets no gradient, and ``R(p) = ((mean over images of sum_c p - kappa) / C)^2``::

        mean(([labels == 1] (-log p - log q) + CE(q, p) + CE(p, q)) / 2) + (R(p) + R(q)) / 2

    After training only the classifier is kept.

    Args:
        labels: (N, C) integer in {-1, 0, 1}: what is known of every image. The estimate begins at
            0.995 for observed positives, at 0.005 for observed negatives, and elsewhere between
            logit(0.4) and logit(0.6), drawn from torch's global stream.
        expected_positives: kappa, the positives that an image has on average.
        lr_factor: Learning rate of the estimate, in multiples of the model's; published 10.

    Shapes: logits (B, C) float; labels (B, C) integer in {-1, 0, 1}; rows (B,); returns ().
    State: the parameter ``estimate`` (N, C), in logits. Needs: rows. Memory: 16 bytes an entry of
        the table, with Adam; Adam is dense, so that rows outside the batch move too.
    Raises: ConfigError for a wrong ``expected_positives``, a table that does not fit into memory,
        and a row that the table does not have.
    Source: Cole et al., CVPR 2021, eq. 6-9; initialisation and learning rate from their code.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"rows"})
    expects_unobserved: ClassVar[bool] = False

    def __init__(self, labels: Tensor, expected_positives: float, lr_factor: float = 10.0) -> None:
        super().__init__()
        check_expected_positives(expected_positives, labels.shape[1])
        check_table_fits(*labels.shape)
        self.expected_positives = expected_positives
        self.lr_factor = lr_factor
        estimate = torch.empty(labels.shape, dtype=torch.get_default_dtype())
        estimate.uniform_(-_logit(0.6), _logit(0.6))
        estimate[labels == 1] = _logit(0.995)
        estimate[labels == 0] = _logit(0.005)
        self.estimate = nn.Parameter(estimate)

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        if labels.shape[1] != self.estimate.shape[1]:
            raise ConfigError(
                f"The table of estimated labels has {self.estimate.shape[1]} classes, the batch "
                f"{labels.shape[1]}. Build the loss with labels of the classes that are trained."
            )
        return _agreement(labels, self._estimated(rows).detach().to(logits.dtype))

    def penalty(self, logits: Tensor, labels: Tensor, context: Context) -> Tensor:
        estimated = self._estimated(context.rows).to(logits.dtype)
        targets, weights = _agreement(labels, logits.detach())
        estimator_loss = mean_cross_entropy(estimated, targets, weights)
        excess, estimated_excess = (
            expected_positives_penalty(torch.sigmoid(values), self.expected_positives)
            for values in (logits, estimated)
        )
        return estimator_loss + (excess + estimated_excess) / 2

    def _estimated(self, rows: Tensor | None) -> Tensor:
        """(B, C): the estimate of the batch, in logits."""
        assert rows is not None
        if rows.device.type == "cpu" and rows.numel() and int(rows.max()) >= len(self.estimate):
            raise ConfigError(
                f"The table of estimated labels has {len(self.estimate)} rows, and a batch names "
                f"row {int(rows.max())}. Build the loss with the labels of all images, in the "
                "order in which rows number them."
            )
        return F.embedding(sent(rows, self.estimate.device), self.estimate)


def check_table_fits(num_images: int, num_classes: int) -> None:
    """Makes sure that a table of this size can be trained in the memory that is free.

    Raises:
        ConfigError: it cannot; the message has both sizes.
    """
    needed = num_images * num_classes * _BYTES_PER_ENTRY
    free = psutil.virtual_memory().available
    if torch.cuda.is_available():  # where it will be trained
        free = min(free, torch.cuda.mem_get_info()[0])
    if needed > free:
        raise ConfigError(
            f"ROLE trains a table of {num_images:,} images × {num_classes:,} classes, which needs "
            f"{needed / 1e9:,.1f} GB with its gradient and Adam's moments; {free / 1e9:,.1f} GB "
            "are free. Choose fewer classes, or a method without a table, such as ll-r."
        )


def _agreement(labels: Tensor, other: Tensor) -> Decision:
    """Half of: cross-entropy against ``sigmoid(other)``, and against 1 on observed positives."""
    positive = present(labels).to(other.dtype)
    return Decision((positive + torch.sigmoid(other)) / (1 + positive), (1 + positive) / 2)


def _logit(probability: float) -> float:
    return math.log(probability / (1 - probability))
