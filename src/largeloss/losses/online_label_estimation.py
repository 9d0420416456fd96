"""ROLE: a table of estimated labels and the classifier are trained on each other."""

import math
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from largeloss.errors import ConfigError
from largeloss.labels.table import LabelTable
from largeloss.losses import given
from largeloss.losses.base import Context, Decision, PartialLabelLoss
from largeloss.losses.cross_entropy import mean_cross_entropy
from largeloss.losses.expected_positive import ExpectedPositive
from largeloss.losses.functional import (
    Kappa,
    check_not_above_classes,
    check_table_fits,
    expected_positives_penalty,
    present,
)
from largeloss.losses.host_copy import sent
from largeloss.losses.settings import Range

_BYTES_PER_ENTRY = 16  # float32: the table, its gradient, Adam's two moments


class RegularizedOnlineLabelEstimation(PartialLabelLoss):
    """Target 1 on observed positives, and on every entry an estimate q that is trained too.

    With ``q = sigmoid(estimate[rows])``, ``CE(a, b) = -a log b - (1 - a) log(1 - b)``, whose first
    argument gets no gradient, and ``R(p) = ((mean over images of sum_c p - kappa) / C)^2``::

        mean(([labels == 1] (-log p - log q) + CE(q, p) + CE(p, q)) / 2) + (R(p) + R(q)) / 2

    After training only the classifier is kept. The estimate is a parameter: over several processes
    wrap model and loss together in ``DistributedDataParallel`` (see :mod:`largeloss.objective`);
    with ``DistributedDataParallel(model)`` alone each process trains an estimate of its own, which
    is warned of.

    Example:
        >>> known = torch.tensor([[1, -1, -1], [-1, 0, 1], [-1, -1, 1]])  # of all N images
        >>> loss = RegularizedOnlineLabelEstimation(known, expected_positives=1.5)
        >>> rows = torch.tensor([0, 2])
        >>> logits = torch.zeros(2, 3, requires_grad=True)
        >>> loss(logits, known[rows], rows).backward()
        >>> loss.estimate.grad.abs().sum(dim=1) > 0  # the estimate of the batch's images
        tensor([ True, False,  True])

    Args:
        labels: (N, C) integer in {-1, 0, 1}: the labels of every image, by row. The estimate
            begins at 0.995 for observed positives, at 0.005 for observed negatives, and elsewhere
            between 0.4 and 0.6, its logit drawn from torch's global stream.
        expected_positives: kappa, the positives that an image has on average. A run without it
            estimates it from the training labels.
        lr_factor: Learning rate of the estimate, in multiples of the model's; published 10.

    Shapes: logits (B, C) float; labels (B, C) integer in {-1, 0, 1}; rows (B,); returns ().
    State: the parameter ``estimate`` (N, C), in logits. Needs: rows. Memory: 16 bytes per entry of
        the table, with Adam; Adam is dense, so that rows outside the batch move too.
    Raises: LabelError for wrong labels; ConfigError for a wrong ``expected_positives`` or
        ``lr_factor``, a table that does not fit into memory, and a row that it does not have.
    Source: Cole et al., CVPR 2021, eq. 6-9, https://arxiv.org/abs/2106.09708; initialisation and
        learning rate from their code.
    """

    name = "role"
    title = "ROLE"
    paper = "Cole et al., CVPR 2021, arXiv:2106.09708"
    searched = ("lr_factor", (1.0, 3.0, 10.0, 30.0, 100.0))
    needs = frozenset({"rows"})
    expects_unobserved = False

    def __init__(
        self,
        labels: Tensor,
        expected_positives: Kappa,
        lr_factor: Annotated[float, Range(0, above=True)] = 10.0,
    ) -> None:
        super().__init__()
        labels = given.table(type(self).__name__, labels)
        check_not_above_classes(expected_positives, labels.shape[1])
        check_table_fits("ROLE trains", labels.shape, _BYTES_PER_ENTRY, trained=True)
        self.expected_positives = expected_positives
        self.lr_factor = lr_factor
        estimate = torch.empty(labels.shape, dtype=torch.get_default_dtype(), device=labels.device)
        estimate.uniform_(-_logit(0.6), _logit(0.6))
        estimate[labels == 1] = _logit(0.995)
        estimate[labels == 0] = _logit(0.005)
        self.estimate = nn.Parameter(estimate)

    @classmethod
    def arguments(
        cls, table: LabelTable, rows: NDArray[np.int64], settings: Mapping[str, Any]
    ) -> tuple[dict[str, Any], list[str]]:
        found, remarks = ExpectedPositive.arguments(table, rows, settings)
        # before its dense labels are made
        check_table_fits("ROLE trains", table.shape, _BYTES_PER_ENTRY, trained=True)
        return found | {"labels": torch.from_numpy(table.to_dense())}, remarks

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        if labels.shape[1] != self.estimate.shape[1]:
            raise ConfigError(
                f"The table of estimated labels has {self.estimate.shape[1]} classes, the batch "
                f"{labels.shape[1]}. Build the loss with labels of the classes that are trained."
            )
        return _agreement(labels, self._estimated(rows).detach().to(logits.dtype))

    def penalty(self, logits: Tensor, labels: Tensor, context: Context) -> Tensor:
        estimated = self._estimated(context.rows).to(logits.dtype)
        wanted = _agreement(labels, logits.detach())
        estimator_loss = mean_cross_entropy(estimated, wanted.targets, wanted.weights)
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


def _agreement(labels: Tensor, other: Tensor) -> Decision:
    """Half of: cross-entropy against ``sigmoid(other)``, and against 1 on observed positives."""
    positive = present(labels).to(other.dtype)
    return Decision((positive + torch.sigmoid(other)) / (1 + positive), (1 + positive) / 2)


def _logit(probability: float) -> float:
    return math.log(probability / (1 - probability))
