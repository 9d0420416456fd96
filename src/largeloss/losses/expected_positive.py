"""EPR: trust the positives, and keep the predicted number of positives near what is expected."""

from typing import ClassVar

import torch
from torch import Tensor

from largeloss.losses.base import Context, Decision, PartialLabelLoss
from largeloss.losses.functional import (
    check_expected_positives,
    expected_positives_penalty,
    present,
)


class ExpectedPositive(PartialLabelLoss):
    """Believes observed positives only; a penalty holds the number of predicted positives.

    ``mean([labels == 1] * -log p) + ((mean over images of sum_c p - expected_positives) / C)^2``

    Args:
        expected_positives: kappa, the positives that an image has on average (VOC 1.5, COCO 2.9,
            NUS-WIDE 1.9, CUB 31.4).

    Shapes: logits (B, C) float; labels (B, C) integer in {-1, 0, 1}; returns ().
    State: none. Needs: nothing. Memory: none.
    Raises: ConfigError for an ``expected_positives`` that is not positive, or above C.
    Source: Cole et al., CVPR 2021, eq. 5.
    """

    expects_unobserved: ClassVar[bool] = False

    def __init__(self, expected_positives: float) -> None:
        super().__init__()
        check_expected_positives(expected_positives)
        self.expected_positives = expected_positives

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        positive = present(labels)
        return Decision(positive, positive.to(logits.dtype))

    def penalty(self, logits: Tensor, labels: Tensor, context: Context) -> Tensor:
        check_expected_positives(self.expected_positives, logits.shape[1])
        return expected_positives_penalty(torch.sigmoid(logits), self.expected_positives)
