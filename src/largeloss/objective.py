"""Model and criterion as one module, so that one wrapper synchronises the parameters of both."""

from typing import NamedTuple

from torch import Tensor, nn

from largeloss.losses import PartialLabelLoss
from largeloss.models import Classifier, Output, half_precision


class Evaluated(NamedTuple):
    """A training batch after the forward pass."""

    loss: Tensor
    """(), over the global batch."""
    logits: Tensor
    """(B, C) of this process's share."""


class Objective(nn.Module):
    """What is minimised: ``criterion(model(inputs), labels)``.

    Args:
        model: Computes in bfloat16 where ``precision`` is ``"bf16"``; its head never does.
        criterion: Computes in full precision.
        precision: ``"fp32"`` or ``"bf16"``.
    """

    def __init__(
        self, model: Classifier, criterion: PartialLabelLoss, precision: str = "fp32"
    ) -> None:
        super().__init__()
        self.model = model
        self.criterion = criterion
        self.in_bf16 = precision == "bf16"

    def forward(self, inputs: Tensor, labels: Tensor, rows: Tensor) -> Evaluated:
        with half_precision(inputs.device, self.in_bf16):
            output: Output = self.model(inputs)
        loss = self.criterion(output.logits, labels, rows, output.features, self.model.head)
        return Evaluated(loss, output.logits)
