"""Full label: every entry is known; the upper bound that partial labels are compared with."""

from typing import ClassVar

from torch import Tensor

from largeloss.errors import LabelError
from largeloss.losses.base import Decision, PartialLabelLoss
from largeloss.losses.functional import present, unobserved


class FullLabel(PartialLabelLoss):
    """Believes every label; binary cross-entropy on complete labels.

    ``mean(cross_entropy(logits, [labels == 1]))``

    Shapes: logits (B, C) float; labels (B, C) integer in {0, 1}; returns ().
    State: none. Needs: nothing. Memory: none.
    Raises: LabelError where an entry is unobserved.
    Source: Kim et al., CVPR 2022, table 1, "Full label".
    """

    expects_unobserved: ClassVar[bool] = False

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        blank = unobserved(labels)
        self._watch(
            blank.any(),
            lambda: LabelError(
                f"FullLabel needs complete labels, but {int(blank.sum())} of {blank.numel()} "
                "entries of the batch are unobserved (-1). Choose a method for partial labels: "
                "an, iu, wan, lsan, epr, ll-r, ll-ct or ll-cp."
            ),
        )
        return Decision(present(labels))
