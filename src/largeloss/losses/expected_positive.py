"""EPR: observed positives, and a predicted number of positives near the expected one."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from largeloss.labels.estimate import expected_positives as estimated
from largeloss.labels.table import LabelTable
from largeloss.losses.base import Context, Decision, PartialLabelLoss
from largeloss.losses.functional import (
    Kappa,
    check_not_above_classes,
    expected_positives_penalty,
    present,
)


class ExpectedPositive(PartialLabelLoss):
    """Weight 0 on all but observed positives; a penalty on the number of predicted positives.

    ``mean([labels == 1] * -log p) + ((mean over images of sum_c p - expected_positives) / C)^2``

    Example:
        >>> loss = ExpectedPositive(expected_positives=1.5)
        >>> logits = torch.tensor([[2.0, -1.0, 0.5, -3.0], [-2.0, 1.5, -0.5, 3.0]])
        >>> labels = torch.tensor([[1, -1, -1, -1], [-1, -1, 0, -1]])
        >>> loss(logits, labels)
        tensor(0.0343)

    Args:
        expected_positives: kappa, the positives that an image has on average (VOC 1.5, COCO 2.9,
            NUS-WIDE 1.9, CUB 31.4). A run without it estimates it from the training labels.

    Shapes: logits (B, C) float; labels (B, C) integer in {-1, 0, 1}; returns ().
    State: none. Needs: nothing. Memory: none.
    Raises: ConfigError for an ``expected_positives`` that is not positive, or above C.
    Source: Cole et al., CVPR 2021, eq. 5, https://arxiv.org/abs/2106.09708.
    """

    name = "epr"
    title = "EPR"
    paper = "Cole et al., CVPR 2021, arXiv:2106.09708"
    expects_unobserved = False

    def __init__(self, expected_positives: Kappa) -> None:
        super().__init__()
        self.expected_positives = expected_positives

    @classmethod
    def arguments(
        cls, table: LabelTable, rows: NDArray[np.int64], settings: Mapping[str, Any]
    ) -> tuple[dict[str, Any], list[str]]:
        given, remarks = dict(settings), []
        if "expected_positives" not in given:
            given["expected_positives"], how = estimated(table, rows)
            remarks.append(
                "expected_positives was not given and is taken as "
                f"{given['expected_positives']:.3g} ({how})."
            )
        check_not_above_classes(given["expected_positives"], table.num_classes)
        return given, remarks

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        positive = present(labels)
        return Decision(positive, positive.to(logits.dtype))

    def penalty(self, logits: Tensor, labels: Tensor, context: Context) -> Tensor:
        check_not_above_classes(self.expected_positives, logits.shape[1])
        return expected_positives_penalty(torch.sigmoid(logits), self.expected_positives)
