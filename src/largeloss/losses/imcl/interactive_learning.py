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
from largeloss.losses.balance import weighed
from largeloss.losses.base import Context, Decision, PartialLabelLoss
from largeloss.losses.cross_entropy import mean_cross_entropy
from largeloss.losses.functional import observed, present
from largeloss.losses.imcl.feature_memory import FeatureMemory
from largeloss.losses.imcl.smoothness import gradient_ratio, smoothness
from largeloss.losses.imcl.versions import VERSIONS
from largeloss.losses.imcl.widths import check_widths
from largeloss.losses.settings import Range


class InteractiveMultiLabelLearning(PartialLabelLoss):
    """Weight 0 on unobserved entries; two penalties keep labels and features smooth over images.

    With completed labels ``y`` (1 on observed positives, -1/2 on observed negatives,
    ``asym_sigmoid(logits)`` elsewhere) and ``f = [features, 1]``, three atoms of a dictionary of
    training images are chosen by matching pursuit, jointly on labels and features; r_L and r_F are
    what least squares over them leaves of y and f::

        mean over observed entries of BCE + w1 sum |r_L|^2 / B + w2 sum |r_F|^2 / B

    Completed labels of an atom are mixed by the label graph where they are unobserved. Atoms and
    their weights are constants in the backward pass. w1 and w2 are 0 until the dictionary has been
    filled: until it is full, or a batch brings no image that is new to it. At the next batch w1 is
    set such that the gradient of its term in the head's parameters is as large as that of the first
    term; w2 likewise in the features, since r_F does not depend on the head (0 where features are
    fixed).

    ``version="code"`` is what the authors ran on OpenImages, where their code differs from the
    paper: w1 is the ratio of the values of the two terms at that batch, and w2 is 0; atoms are
    chosen by labels alone; all entries of the label graph that are not 0 are trained, those of the
    diagonal, too; the dictionary keeps the images that filled it.

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
        version: ``"paper"``, or ``"code"``, see above.
        lr_factor: Learning rate of the graph, in multiples of the model's.

    Shapes: logits (B, C) float; labels (B, C) integer in {-1, 0, 1}; rows (B,); features (B, D);
        returns ().
    State: the graph, w1, w2, the dictionary. Needs: rows, features, head. Memory:
        dictionary_size × (4 D + C) bytes.
    Raises: ConfigError for a ``graph``, features or a head of a wrong shape, and for a head without
        a parameter that is trained.
    Source: Huynh and Elhamifar, CVPR 2020, https://openaccess.thecvf.com/content_CVPR_2020/html/Huynh_Interactive_Multi-Label_CNN_Learning_With_Partial_Labels_CVPR_2020_paper.html.
        Theirs is a fixed set of images, of which those chosen pass through the network again in
        each step. Ours are features as they were when the image was last trained on, so that no
        gradient flows through them into the network (in the authors' run its learning rate is
        1e-8).
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
        version: Literal["paper", "code"] = "paper",
        lr_factor: Annotated[float, Range(0, above=True)] = 1.0,
    ) -> None:
        super().__init__()
        self.version = VERSIONS[version]
        self.lr_factor = lr_factor
        self.memory = FeatureMemory(dictionary_size, keeps=self.version.keeps_images)
        self.balance: tuple[float, float] | None = None
        self.graph: nn.Parameter | None = None
        if isinstance(graph, Tensor):
            if graph.ndim != 2 or graph.shape[0] != graph.shape[1]:
                raise ConfigError(f"graph must be of shape (C, C), got {tuple(graph.shape)}.")
            self.register_buffer("initial_graph", graph.clone())
            if bool(self.version.trained(graph).any()):
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
        check_widths(features, head, self._buffers.get("initial_graph"), logits.shape)
        learning = self.learns_from(logits)
        if self.balance is not None or (self.memory.filled and learning):
            terms = smoothness(
                logits, labels, context, self.memory, self._influence(), self.version.scores
            )
            if self.balance is None:
                targets, weights, _ = self.decide(logits.detach(), labels, rows)
                weights = weighed(weights, labels, self.class_weights)
                supervised = mean_cross_entropy(logits, targets, weights)
                self.balance = self._balanced(supervised, terms, features, head)
            w1, w2 = self.balance or (0.0, 0.0)
            loss = w1 * terms[0] + w2 * terms[1]
        else:  # DistributedDataParallel wants every parameter in every backward pass
            loss = logits.new_zeros(()) if self.graph is None else 0 * self.graph.sum()
        if learning:
            self.memory.update(features, labels, rows)
        return loss

    def _balanced(
        self, supervised: Tensor, terms: tuple[Tensor, Tensor], features: Tensor, head: nn.Linear
    ) -> tuple[float, float] | None:
        """w1 and w2; None where a term has no gradient or no value, so that they are set later."""
        if not self.version.by_gradient:
            values = supervised.item(), terms[0].item()
            return (values[0] / values[1], 0.0) if min(values) > 0 else None
        trained = [parameter for parameter in head.parameters() if parameter.requires_grad]
        if not trained:
            raise ConfigError(
                "IMCL weighs its terms by their gradients in the head's parameters, and none of "
                "them needs a gradient. Train the head, or choose version='code'."
            )
        w1, w2 = gradient_ratio(supervised, terms[0], trained, shared=True), 0.0
        if features.requires_grad:
            w2 = gradient_ratio(supervised, terms[1], [features], shared=False)
        return (w1, w2) if w1 > 0 and (w2 > 0 or not features.requires_grad) else None

    def _influence(self) -> Tensor | None:
        """(C, C): the label graph, trained entries as they are now."""
        if self.graph is None:
            return self._buffers.get("initial_graph")
        initial = self.get_buffer("initial_graph")
        return torch.where(self.version.trained(initial), self.graph, initial)

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
                "this method, or by an earlier version. Start a new run."
            ) from None
        self.balance = (balance[0], balance[1]) if balance else None
        super().set_extra_state(state)
