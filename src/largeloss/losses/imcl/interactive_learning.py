"""IMCL: missing labels are completed by smoothness over similar images and related classes."""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from largeloss import distributed
from largeloss.errors import CheckpointError, ConfigError
from largeloss.losses.base import Context, Decision, PartialLabelLoss
from largeloss.losses.cross_entropy import mean_cross_entropy
from largeloss.losses.functional import observed, present
from largeloss.losses.host_copy import sent
from largeloss.losses.imcl.completion import close, completed, with_one
from largeloss.losses.imcl.feature_memory import FeatureMemory
from largeloss.losses.imcl.pursuit import Space, pursue, residual


class InteractiveMultiLabelLearning(PartialLabelLoss):
    """Believes observed entries, and that an image is a mixture of a few others.

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

    Args:
        dictionary_size: Images that are remembered, the newest; fewer where there are fewer.
        graph: (C, C) float, the influence of class i (row) on class j (column); its non-zero
            entries off the diagonal are trained. None: every class by itself.

    Shapes: logits (B, C) float; labels (B, C) integer in {-1, 0, 1}; rows (B,); features (B, D);
        returns ().
    State: the graph, w1, w2, the dictionary. Needs: rows, features, head. Memory:
        dictionary_size × (4 D + C) bytes.
    Source: Huynh and Elhamifar, CVPR 2020. The dictionary of recent features is ours, and that it
        gets no gradient.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"rows", "features", "head"})
    expects_unobserved: ClassVar[bool] = False

    def __init__(self, dictionary_size: int = 4096, graph: Tensor | None = None) -> None:
        super().__init__()
        if not isinstance(dictionary_size, int) or dictionary_size < 1:
            raise ConfigError(f"dictionary_size must be 1 or more, got {dictionary_size!r}.")
        if graph is not None and (graph.ndim != 2 or graph.shape[0] != graph.shape[1]):
            raise ConfigError(f"graph must be of shape (C, C), got {tuple(graph.shape)}.")
        self.memory = FeatureMemory(dictionary_size)
        self.balance: tuple[float, float] | None = None
        self.graph: nn.Parameter | None = None
        if graph is not None:
            self.register_buffer("initial_graph", graph.clone())
            if bool(_off_diagonal(graph).any()):
                self.graph = nn.Parameter(graph.clone())

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        known = observed(labels).to(logits.dtype)
        return Decision(present(labels), known / distributed.global_mean(known).clamp_min(1e-30))

    def penalty(self, logits: Tensor, labels: Tensor, context: Context) -> Tensor:
        rows, features, head = context
        assert rows is not None
        assert features is not None
        assert head is not None
        if len(self.memory):
            terms = self._residuals(logits, labels, rows, features.to(logits.dtype), head)
            if self.balance is None and logits.requires_grad:
                supervised = self._supervised(logits, labels)
                w1 = _ratio(supervised, terms[0], [head.weight, head.bias], shared=True)
                w2 = 0.0
                if features.requires_grad:
                    w2 = _ratio(supervised, terms[1], [features], shared=False)
                if w1 > 0 and (w2 > 0 or not features.requires_grad):  # else at a later batch
                    self.balance = w1, w2
            w1, w2 = self.balance or (0.0, 0.0)
            loss = w1 * terms[0] + w2 * terms[1]
        else:  # DistributedDataParallel wants every parameter in every backward pass
            loss = logits.new_zeros(()) if self.graph is None else 0 * self.graph.sum()
        if self.training:
            self.memory.update(features, labels, rows)
        return loss

    def _residuals(
        self, logits: Tensor, labels: Tensor, rows: Tensor, features: Tensor, head: nn.Linear
    ) -> tuple[Tensor, Tensor]:
        """The terms of r_L and r_F, without their weights."""
        known = sent(self.memory.features, features.device).to(features.dtype)
        known_labels = sent(self.memory.labels, labels.device)
        in_labels = Space(
            completed(logits, labels),
            completed(F.linear(known, head.weight, head.bias), known_labels, self._influence()),
        )
        in_features = Space(with_one(features), with_one(known))
        itself = self.memory.rows[None, :] == rows.cpu()[:, None]
        allowed = ~(sent(itself, features.device) | close(features.detach(), known))
        found = pursue(in_labels, in_features, allowed)
        left = (
            residual(in_labels, found.atoms, found.label_weights),
            residual(in_features, found.atoms, found.feature_weights),
        )
        count = distributed.global_count(len(rows), logits.device)
        in_y, in_f = (distributed.global_sum(r.square().sum()) / count for r in left)
        return in_y, in_f

    def _supervised(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The first term of the loss."""
        targets, weights = self.decide(logits, labels, None)
        return mean_cross_entropy(logits, targets, weights)

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


def _ratio(first: Tensor, second: Tensor, inputs: list[Tensor], *, shared: bool) -> float:
    """How many times as large the gradient of ``first`` in ``inputs`` is as that of ``second``.

    ``shared``: whether all processes have the same inputs (parameters), or each its own (features).
    """
    sizes = []
    for term in (first, second):
        slopes = torch.autograd.grad(term, inputs, retain_graph=True, allow_unused=True)
        found = [slope for slope in slopes if slope is not None]
        if shared:
            found = [distributed.global_sum(slope) for slope in found]
        square = sum((slope.square().sum() for slope in found), torch.zeros(()))
        sizes.append(float(square if shared else distributed.global_sum(square)) ** 0.5)
    return sizes[0] / sizes[1] if sizes[1] > 0 else 0.0
