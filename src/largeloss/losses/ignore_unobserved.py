"""Naive IU: unobserved entries are left out."""

from typing import Literal

from torch import Tensor

from largeloss import distributed
from largeloss.losses.base import Decision, PartialLabelLoss
from largeloss.losses.functional import observed, present


class IgnoreUnobserved(PartialLabelLoss):
    """Weight 0 on unobserved entries; only observed ones count.

    ``mean([labels observed] * cross_entropy(logits, [labels == 1]))``

    Example:
        >>> loss = IgnoreUnobserved(denominator="observed")
        >>> logits = torch.tensor([[2.0, -1.0, 0.5, -3.0], [-2.0, 1.5, -0.5, 3.0]])
        >>> labels = torch.tensor([[1, -1, -1, -1], [-1, -1, 0, -1]])
        >>> loss(logits, labels)
        tensor(0.3005)

    Args:
        denominator: ``"all"``: the mean is over B*C entries, as published; ``"observed"``: over
            the observed entries of the batch.

    Shapes: logits (B, C) float; labels (B, C) integer in {-1, 0, 1}; returns ().
    State: none. Needs: nothing. Memory: none.
    Source: Kim et al., CVPR 2022, section 5.1 ("Naive IU"), https://arxiv.org/abs/2206.03740; the
        denominator from their code.
    """

    name = "iu"
    title = "Naive IU"
    paper = "Kim et al., CVPR 2022, arXiv:2206.03740"
    needs_observed_negatives = True

    def __init__(self, denominator: Literal["all", "observed"] = "all") -> None:
        super().__init__()
        self.denominator = denominator

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        weights = observed(labels).to(logits.dtype)
        if self.denominator == "observed":
            share = distributed.global_mean(weights)
            weights = weights / share.clamp_min(1e-30)
        return Decision(present(labels), weights)
