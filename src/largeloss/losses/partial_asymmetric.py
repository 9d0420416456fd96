"""P-ASL: asymmetric focal loss with a focus of its own on unobserved entries; CSL chooses them."""

import warnings
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from largeloss import distributed
from largeloss.labels.table import LabelTable
from largeloss.losses.asymmetric import Clip, Gamma, focused, focused_and_clipped
from largeloss.losses.base import Action, Decision, PartialLabelLoss, Reduction
from largeloss.losses.class_priors import ClassPriors
from largeloss.losses.functional import large_loss, present, unobserved
from largeloss.losses.host_copy import sent
from largeloss.losses.settings import Range


class PartialAsymmetric(PartialLabelLoss):
    """Target 0 on unobserved entries; focal, with one gamma each for present, absent, unobserved.

    ``-(1 - p)^gamma_positive log p`` on observed positives; ``-s^gamma log(1 - s)`` on all other
    entries, with ``s = max(p - clip, 0)`` and ``gamma_negative`` or ``gamma_unobserved``.

    ``selective`` (CSL) leaves out unobserved entries that are likely present: the
    ``top_per_image * B`` with the largest p of the batch, and from the second epoch on all of
    classes whose estimated prior exceeds ``prior_threshold``. Priors are estimated after each epoch
    from the model's predictions for the training images.

    Example:
        >>> loss = PartialAsymmetric(selective=True, top_per_image=1)
        >>> logits = torch.tensor([[2.0, -1.0, 0.5, -3.0], [-2.0, 1.5, -0.5, 3.0]])
        >>> labels = torch.tensor([[1, -1, -1, -1], [-1, -1, 0, -1]])
        >>> loss(logits, labels)
        tensor(0.0885)

    Args:
        gamma_positive, gamma_negative, gamma_unobserved: Published 0, 1 to 3, 2 to 4.
        clip: Of their code: 0.
        selective: Whether likely presences are left out.
        top_per_image: Unobserved entries left out, per image of the batch; published 5, for
            thousands of classes. With few classes choose fewer: as many as there are classes less
            one leave out every unobserved entry, which is warned of.
        prior_threshold: Published 0.05; where most classes are more frequent, choose a higher one.
        reduction: ``"mean"``, or ``"sum"`` over the entries, as published.

    Shapes: logits (B, C) float; labels (B, C) integer in {-1, 0, 1}; returns ().
    State: epoch, priors. Needs: nothing. Memory: 8 bytes per class, 8 kB while they are estimated.
    Source: Ben-Baruch et al., CVPR 2022, https://arxiv.org/abs/2110.10955. Differs: the priors are
        the best-bin estimate (:class:`.ClassPriors`) of the model itself, in place of the mean
        prediction of another model that was trained before.
    """

    name = "p-asl"
    title = "P-ASL"
    paper = "Ben-Baruch et al., CVPR 2022, arXiv:2110.10955"
    searched = ("gamma_unobserved", (0.5, 1.0, 2.0, 4.0, 8.0))
    action = Action(
        "Left out",
        "CSL leaves the class out of the image’s loss instead of learning that it is absent.",
        "likely",
    )

    def __init__(
        self,
        gamma_positive: Gamma = 0.0,
        gamma_negative: Gamma = 1.0,
        gamma_unobserved: Gamma = 2.0,
        clip: Clip = 0.0,
        selective: bool = False,
        top_per_image: Annotated[int, Range(0)] = 5,
        prior_threshold: Annotated[float, Range(0, 1)] = 0.05,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__()
        self.gamma_positive, self.gamma_negative = gamma_positive, gamma_negative
        self.gamma_unobserved, self.clip = gamma_unobserved, clip
        self.selective, self.top_per_image = selective, top_per_image
        self.prior_threshold, self.reduction = prior_threshold, reduction
        self.priors = ClassPriors() if selective else None
        self._warned = False

    @classmethod
    def arguments(
        cls, table: LabelTable, rows: NDArray[np.int64], settings: Mapping[str, Any]
    ) -> tuple[dict[str, Any], list[str]]:
        loss, remarks = cls(**settings), []
        chosen = table.select(rows)
        tags = np.bincount(chosen.columns[chosen.states == 1], minlength=table.num_classes)
        frequent = int((tags > loss.prior_threshold * len(rows)).sum())
        if loss.selective and 2 * frequent > table.num_classes:
            remarks.append(
                f"p-asl leaves out the unobserved entries of classes in more than "
                f"{100 * loss.prior_threshold:g} % of the images, which are {frequent} of "
                f"{table.num_classes} here by their tags alone: little is left to learn absences "
                "from. Set a higher prior_threshold (--set method.prior_threshold=0.3)."
            )
        if loss._leaves_out_all(table.num_classes):
            remarks.append(
                f"{loss._all_left_out(table.num_classes)} (--set method.top_per_image=1)."
            )
        return dict(settings), remarks

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        num_classes = logits.shape[1]
        if not self._warned and self._leaves_out_all(num_classes):
            self._warned = True  # stacklevel: the line that calls the loss, past torch's two frames
            warnings.warn(f"{self._all_left_out(num_classes)}, such as 1.", stacklevel=5)
        left_out = self.flagged(logits, labels, rows)
        return Decision(present(labels), None if left_out is None else ~left_out)

    def entry_loss(self, logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
        absent, unknown = (
            focused_and_clipped(logits, gamma, self.clip)
            for gamma in (self.gamma_negative, self.gamma_unobserved)
        )
        absent = torch.where(unobserved(labels), unknown, absent)
        return torch.where(targets, focused(logits, self.gamma_positive), absent)

    def flagged(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Tensor | None:
        if self.priors is None:
            return None
        blank = unobserved(labels)
        k = self.top_per_image * distributed.global_count(len(logits), logits.device)
        likely = large_loss(logits, blank, k)
        if self.priors.values is None:
            return likely
        frequent = sent(self.priors.values > self.prior_threshold, logits.device)
        return likely | (blank & frequent)

    def _leaves_out_all(self, num_classes: int) -> bool:
        """Whether no unobserved entry is left, where each image has an observed one."""
        return self.selective and self.top_per_image >= max(1, num_classes - 1)

    def _all_left_out(self, num_classes: int) -> str:
        return (
            f"p-asl leaves out top_per_image={self.top_per_image} unobserved entries per image, "
            f"and there are {num_classes} classes: hardly one is left to learn absences "
            "from. Set a lower top_per_image"
        )

    def passes(self, epoch: int) -> int:
        return int(self.selective)
