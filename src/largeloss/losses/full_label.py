"""Full label: every entry is observed; the upper bound that partial labels are compared with."""

from torch import Tensor

from largeloss.errors import LabelError
from largeloss.losses.base import Decision, PartialLabelLoss
from largeloss.losses.functional import present, unobserved


class FullLabel(PartialLabelLoss):
    """Binary cross-entropy on complete labels.

    ``mean(cross_entropy(logits, [labels == 1]))``

    Example:
        >>> loss = FullLabel()
        >>> logits = torch.tensor([[2.0, -1.0, 0.5, -3.0], [-2.0, 1.5, -0.5, 3.0]])
        >>> labels = torch.tensor([[1, 0, 1, 0], [0, 0, 0, 1]])
        >>> loss(logits, labels)
        tensor(0.4142)

    Shapes: logits (B, C) float; labels (B, C) integer in {0, 1}; returns ().
    State: none. Needs: nothing. Memory: none.
    Raises: LabelError where an entry is unobserved.
    Source: Kim et al., CVPR 2022, table 1, "Full label", https://arxiv.org/abs/2206.03740.
    """

    name = "full"
    title = "Full labels"
    paper = "Kim et al., CVPR 2022, arXiv:2206.03740"
    expects_unobserved = False
    trains_on_complete_labels = True

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        blank = unobserved(labels)
        self._validation.deferred.refuse_if(
            blank.any(),
            lambda: LabelError(
                f"FullLabel needs complete labels, but {int(blank.sum())} of {blank.numel()} "
                "entries of the batch are unobserved (-1). Choose a method for partial labels: "
                "an, iu, wan, lsan, epr, ll-r, ll-ct or ll-cp."
            ),
        )
        return Decision(present(labels))
