"""IMCL: missing labels are completed by smoothness over similar images and related classes."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from largeloss import distributed
from largeloss.errors import CheckpointError, ConfigError
from largeloss.labels.cooccurrence import co_occurrence
from largeloss.labels.table import LabelTable
from largeloss.losses.base import Context, Decision, PartialLabelLoss
from largeloss.losses.cross_entropy import mean_cross_entropy
from largeloss.losses.functional import observed, present
from largeloss.losses.imcl.feature_memory import FeatureMemory
from largeloss.losses.imcl.smoothness import gradient_ratio, smoothness
from largeloss.losses.settings import Range


class InteractiveMultiLabelLearning(PartialLabelLoss):
    """Weight 0 on unobserved entries; two penalties keep labels and features smooth over images.

    With completed labels ``y`` (1 on observed positives, -1/2 on observed negatives,
    ``asym_sigmoid(logits)`` elsewhere) and ``f = [features, 1]``, three atoms of a dictionary of
    training images are chosen by matching pursuit, jointly on labels and features; r_L and r_F are
    what least squares over them leaves of y and f::

        mean over observed entries of BCE + w1 sum |r_L|^2 / B + w2 sum |r_F|^2 / B

    Completed labels of an atom are mixed by the label graph where they are unobserved. Atoms and
    their weights are constants in the backward pass. w1 makes the gradient of its term in the
    head's parameters as large as that of the first term, at the first batch that has a dictionary
    and a gradient of each term; until then they are 0.
    w2 does the same in the features, since r_F does not depend on the head (0 where features are
    fixed).

    Example:
        >>> head = torch.nn.Linear(8, 3)
        >>> loss = InteractiveMultiLabelLearning(dictionary_size=2, graph="identity")
        >>> labels = torch.tensor([[1, -1, -1], [-1, 0, 1]])
        >>> features, rows = torch.randn(2, 8), torch.tensor([7, 8])
        >>> loss(head(features), labels, rows, features, head).backward()
        >>> loss.memory.rows  # the images of the dictionary
        tensor([7, 8])

    Args:
        dictionary_size: Images that are remembered, the newest. A run has at most as many as it
            has training images.
        graph: The influence of class i (row) on class j (column), (C, C) float, whose non-zero
            entries off the diagonal are trained; or ``"identity"``: every class by itself; or, in
            a run, ``"co-occurrence"``: counted from the training labels. None is the last where
            there are training labels to count, else the identity.

    Shapes: logits (B, C) float; labels (B, C) integer in {-1, 0, 1}; rows (B,); features (B, D);
        returns ().
    State: the graph, w1, w2, the dictionary. Needs: rows, features, head. Memory:
        dictionary_size × (4 D + C) bytes.
    Source: Huynh and Elhamifar, CVPR 2020, https://openaccess.thecvf.com/content_CVPR_2020/html/Huynh_Interactive_Multi-Label_CNN_Learning_With_Partial_Labels_CVPR_2020_paper.html.
        The dictionary of recent features is ours, and that it gets no gradient.
    """

    name = "imcl"
    title = "IMCL"
    paper = "Huynh and Elhamifar, CVPR 2020"
    needs = frozenset({"rows", "features", "head"})
    expects_unobserved = False
    needs_observed_negatives = True

    def __init__(
        self,
        dictionary_size: Annotated[int, Range(1)] = 4096,
        graph: Tensor | Literal["co-occurrence", "identity"] | None = None,
    ) -> None:
        super().__init__()
        self.memory = FeatureMemory(dictionary_size)
        self.balance: tuple[float, float] | None = None
        self.graph: nn.Parameter | None = None
        if isinstance(graph, Tensor):
            if graph.ndim != 2 or graph.shape[0] != graph.shape[1]:
                raise ConfigError(f"graph must be of shape (C, C), got {tuple(graph.shape)}.")
            self.register_buffer("initial_graph", graph.clone())
            if bool(_off_diagonal(graph).any()):
                self.graph = nn.Parameter(graph.clone())
        elif graph not in (None, "identity"):
            raise ConfigError(
                f"graph must be a (C, C) tensor or 'identity', got {graph!r}. "
                "largeloss.labels.cooccurrence.co_occurrence(table, rows) counts one from labels."
            )

    @classmethod
    def arguments(
        cls, table: LabelTable, rows: NDArray[np.int64], settings: Mapping[str, Any]
    ) -> tuple[dict[str, Any], list[str]]:
        given: dict[str, Any] = {"dictionary_size": min(4096, len(rows)), "graph": None, **settings}
        if given["dictionary_size"] > len(rows):
            raise ConfigError(
                f"dictionary_size is {given['dictionary_size']}, but there are only {len(rows)} "
                "training images to remember. Leave it out, or choose at most that."
            )
        if given["graph"] in (None, "co-occurrence"):
            influence = co_occurrence(table, rows)
            given["graph"] = torch.from_numpy(influence).to(torch.get_default_dtype())
        return given, []

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        known = observed(labels).to(logits.dtype)
        return Decision(present(labels), known / distributed.global_mean(known).clamp_min(1e-30))

    def penalty(self, logits: Tensor, labels: Tensor, context: Context) -> Tensor:
        rows, features, head = cast(tuple[Tensor, Tensor, nn.Linear], context)
        if len(self.memory):
            terms = smoothness(logits, labels, context, self.memory, self._influence())
            if self.balance is None and logits.requires_grad:
                supervised = mean_cross_entropy(logits, *self.decide(logits, labels, rows))
                w1 = gradient_ratio(supervised, terms[0], [head.weight, head.bias], shared=True)
                w2 = 0.0
                if features.requires_grad:
                    w2 = gradient_ratio(supervised, terms[1], [features], shared=False)
                if w1 > 0 and (w2 > 0 or not features.requires_grad):  # else at a later batch
                    self.balance = w1, w2
            w1, w2 = self.balance or (0.0, 0.0)
            loss = w1 * terms[0] + w2 * terms[1]
        else:  # DistributedDataParallel wants every parameter in every backward pass
            loss = logits.new_zeros(()) if self.graph is None else 0 * self.graph.sum()
        if self.training:
            self.memory.update(features, labels, rows)
        return loss

    def _influence(self) -> Tensor | None:
        """(C, C): the label graph, trained entries as they are now."""
        if self.graph is None:
            return self._buffers.get("initial_graph")
        initial = self.get_buffer("initial_graph")
        return torch.where(_off_diagonal(initial), self.graph, initial)

    def get_extra_state(self) -> dict[str, Any]:
        balance = list(self.balance or ())
        return {**super().get_extra_state(), "memory": self.memory.state(), "balance": balance}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        try:
            self.memory.restore(state["memory"])
            balance = state["balance"]
        except KeyError as missing:
            raise CheckpointError(
                f"The checkpoint has no dictionary ({missing} is missing): it was not written by "
                "this method."
            ) from None
        self.balance = (balance[0], balance[1]) if balance else None
        super().set_extra_state(state)


def _off_diagonal(graph: Tensor) -> Tensor:
    """(C, C) bool: the edges between different classes."""
    return (graph != 0) & ~torch.eye(len(graph), dtype=torch.bool, device=graph.device)
