"""The one interface of all methods.

A method gives each entry of a batch a *target* and a *weight*, and may add one scalar penalty::

    loss = mean(weights * entry_loss(logits, targets)) + penalty

The loss of an entry is cross-entropy, unless the method has another one.

Axes, here and everywhere: B images of a batch, C classes, N images of the data set, D features.
``logits`` are (B, C) real numbers, never probabilities; ``labels`` are (B, C) whole numbers, 1
present, 0 absent, -1 unobserved; ``rows`` are (B,) the images' numbers in the data set.
"""

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, NamedTuple, Self, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from largeloss import distributed
from largeloss.autocast import full_precision
from largeloss.errors import ScheduleError
from largeloss.labels.table import LabelTable
from largeloss.losses import given, remembered
from largeloss.losses.auto_delta import AutoDelta, Finding
from largeloss.losses.balance import weighed
from largeloss.losses.class_priors import ClassPriors
from largeloss.losses.cross_entropy import mean_cross_entropy
from largeloss.losses.memory import EditMemory
from largeloss.losses.replicas import ReplicaCheck
from largeloss.losses.settings import check_values, shown_values
from largeloss.losses.validation import BatchValidation

Reduction = Literal["mean", "sum"]
"""Of the entries' losses to one number. A sum is B*C times as large, and wants a learning rate that
is as much smaller, unless the optimizer (Adam) scales its steps itself."""


class Decision(NamedTuple):
    """A method's answers about the entries of a batch."""

    targets: Tensor  # (B, C) in [0, 1], or bool; or what the method's own entry_loss takes
    weights: Tensor | None = None  # (B, C) >= 0, or bool; None is 1 for all
    # (B, C) bool: unobserved entries that become present for good, where the batch is trained on.
    edits: Tensor | None = None


class Context(NamedTuple):
    """What ``forward`` was given of a batch beside logits and labels; None where it was not."""

    rows: Tensor | None = None  # (B,)
    features: Tensor | None = None  # (B, D): the head's inputs
    head: nn.Linear | None = None  # D → C: gives the logits of the features


class Action(NamedTuple):
    """What a method does with a flagged entry, in words."""

    word: str  # "Rejected": stands before the flagged classes of an image
    sentence: str  # what that means for the training
    reason: str  # why an entry was edited, as recorded in a run's ``corrections.parquet``


class PartialLabelLoss(nn.Module):
    """Base of all methods: a method is one class that overrides :meth:`decide`.

    Where it needs to, it also overrides :meth:`entry_loss`, :meth:`penalty`, :meth:`set_epoch`,
    :meth:`note_predictions` and :meth:`arguments`. Its settings are the parameters of its
    constructor, whose annotations say what they may be: ``float``, ``Literal["a", "b"]``,
    ``Annotated[int, Range(1)]``. With several processes the mean is over the global batch; wrap
    model and loss in ``DistributedDataParallel`` and gradients are those of one process.

    **A validation pass**, that is, logits that need no gradient or a loss in evaluation mode,
    changes nothing: no label is edited, and no image remembered. Without a gradient, logits are
    also accepted before the first :meth:`set_epoch`, as of epoch 0. The value is the method's own
    all the same: entries are rejected, corrected and weighted as in training. Such a validation
    loss looks better than the model is, since it leaves out just the largest losses, and it cannot
    be compared between methods or epochs. For a plain one, use :class:`.AssumeNegative`.

    Gradients can be differentiated again by ``torch.autograd``; the transforms of ``torch.func``
    are not supported and raise ``RuntimeError``.
    """

    name: ClassVar[str]  # on the command line: "ll-r"
    title: ClassVar[str]  # in reports: "LL-R"
    paper: ClassVar[str]  # authors, venue, year, arXiv

    needs: ClassVar[frozenset[str]] = frozenset()  # what forward must be given: fields of Context
    scheduled: ClassVar[bool] = False  # refuses to train before set_epoch
    expects_unobserved: ClassVar[bool] = True  # warns of a first batch that is labelled completely
    trains_on_complete_labels: ClassVar[bool] = False  # even where an experiment hides labels
    needs_observed_negatives: ClassVar[bool] = False  # else it learns from presences alone
    linear_init_method: ClassVar[str | None] = None  # in LinearInit's head phase; None: the same
    action: ClassVar[Action | None] = None  # what it does with flagged entries; None: flags none
    reduction: Reduction = "mean"  # over the entries of the global batch
    searched: ClassVar[tuple[str, tuple[float, ...]] | None] = None  # a setting to tune, and values
    lr_factor: float = 1.0  # of its own parameters, in multiples of the model's learning rate
    # Label edits, of methods that make them; no buffer, which DDP would overwrite from rank 0.
    edits: EditMemory | None = None
    auto: AutoDelta | None = None  # counts what is trained on, for methods whose Delta is "auto"
    priors: ClassPriors | None = None  # estimated between epochs, of methods that need them
    class_weights: Tensor | None  # (C,): of entries whose label is present; None is 1 for all
    _shown: str  # its settings

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Checks the settings that are given, so that no constructor need do it."""
        settings = inspect.signature(cls.__init__).bind_partial(None, *args, **kwargs).arguments
        check_values(cls, settings)
        made = super().__new__(cls)
        made._shown = shown_values(cls, settings)
        return made

    def __init__(self) -> None:
        super().__init__()
        self.epoch: int | None = None
        self._validation = BatchValidation()
        self._replicas = ReplicaCheck()
        self.register_buffer("class_weights", None, persistent=False)

    @classmethod
    def arguments(
        cls, table: LabelTable, rows: NDArray[np.int64], settings: Mapping[str, Any]
    ) -> tuple[dict[str, Any], list[str]]:
        """The constructor's arguments for training on the images ``rows`` of ``table``.

        Methods that take something from the training labels, ``table`` (N, C), override it, and
        return remarks for the user on what they estimated. ``settings`` are the user's.
        """
        return dict(settings), []

    def forward(
        self,
        logits: Tensor,
        labels: Tensor,
        rows: Tensor | None = None,
        features: Tensor | None = None,
        head: nn.Linear | None = None,
    ) -> Tensor:
        """The loss of a batch, a scalar.

        Args:
            logits: (B, C) float; half precision is raised to float32, float64 is kept.
            labels: (B, C), signed integers, uint8 or bool: 1 present, 0 absent, -1 unobserved.
            rows: (B,) integer, the images' numbers; only where ``"rows"`` is in ``needs``.
            features: (B, D) float; only where ``"features"`` is in ``needs``.
            head: The linear layer from features to logits; only where ``"head"`` is in ``needs``.

        Raises:
            LabelError: labels of a wrong shape, type or value.
            NonFiniteError: logits that are NaN or infinite. On the CPU at once, on CUDA one step
                later and in :meth:`check`, so that a step needs no synchronisation.
            ScheduleError: a scheduled loss before ``set_epoch``, and logits that need a gradient;
                a loss that learns between epochs, and was never given predictions.
        """
        if torch.compiler.is_compiling():  # NumPy and memories are no part of a graph
            # torch's disable has no annotations
            eager = torch.compiler.disable(self.forward)  # type: ignore[no-untyped-call]
            return cast(Tensor, eager(logits, labels, rows, features, head))
        logits, labels, rows = given.batch(type(self).__name__, logits, labels, rows)
        if self.epoch is None and not given.needs_gradient(logits):
            self.epoch = 0
            try:
                return self.forward(logits, labels, rows, features, head)
            finally:
                self.epoch = None
        context = Context(rows, features, head)
        learning = self.learns_from(logits)
        self._validation(self, logits.detach(), labels, context, learning)
        if learning:
            self._replicas(self)
        # Never in half precision: sums, ties and least squares would go wrong without a word.
        with full_precision(logits.device):
            decision = self.decide(logits.detach(), labels, rows)
            if learning and self.auto is not None:
                self.auto.note(logits.detach(), labels, self.current_epoch())
            if learning and self.edits is not None and decision.edits is not None:
                assert rows is not None
                self.edits.propose(rows, decision.edits, logits, self.current_epoch())
            targets = decision.targets
            weights = weighed(decision.weights, labels, self.class_weights)
            entries = self.entry_loss(logits, labels, targets)
            if entries is None:
                loss = mean_cross_entropy(logits, targets, weights)
            else:
                loss = distributed.global_mean(entries if weights is None else entries * weights)
            if self.reduction == "sum":
                loss = loss * distributed.global_count(logits.numel(), logits.device)
            penalty = self.penalty(logits, labels, context)
            return loss if penalty is None else loss + penalty

    def learns_from(self, logits: Tensor) -> bool:
        """Whether a batch is trained on, so that it may be remembered."""
        return self.training and given.needs_gradient(logits)

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        """Targets and weights of the batch; ``logits`` are detached. Changes nothing."""
        raise TypeError(f"{type(self).__name__} must define decide(logits, labels, rows).")

    def entry_loss(self, logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor | None:
        """(B, C): the losses of the entries, of the targets that :meth:`decide` gave.

        Gradients are autograd's. None for methods whose loss is cross-entropy.
        """
        return None

    def penalty(self, logits: Tensor, labels: Tensor, context: Context) -> Tensor | None:
        """One scalar added to the mean; None unless the method has one.

        A method may remember the batch here, but only where :meth:`learns_from` says so.
        """
        return None

    def flagged(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Tensor | None:
        """(B, C) bool: the unobserved entries that :meth:`decide` does not treat as absent.

        For analyses; collective. None for methods that flag none.
        """
        return None

    def set_epoch(self, epoch: int) -> None:
        """Tells the method which epoch begins (0 is the first); call it in every process.

        After the last epoch call it once more, with the number of epochs: methods that change
        labels commit what they proposed.
        """
        self.epoch = given.whole_epoch(epoch)
        if self.auto is not None:
            self.auto.commit(self.epoch)
        if self.priors is not None:
            self.priors.commit()

    def passes(self, epoch: int) -> int:
        """How many prediction passes over the training images :meth:`relabel` needs first."""
        return 0

    @property
    def stochastic(self) -> bool:
        """Whether it needs several prediction passes that differ by dropout."""
        return False

    def relabel(self, logits: Tensor, labels: Tensor, rows: Tensor | None = None) -> None:
        """For methods that label between epochs; call it for all training images, in chunks.

        What it accepts takes effect in the next :meth:`set_epoch`; errors as of :meth:`forward`.

        Shapes: logits (P, B, C), of :meth:`passes` passes; labels (B, C), as given; rows (B,).
        """
        logits, labels, rows = given.predictions(type(self).__name__, logits, labels, rows)
        self._validation.predictions(self, logits, labels, rows)
        self.note_predictions(logits, labels, rows)

    def note_predictions(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> None:
        """What :meth:`relabel` does with predictions that were checked; ``logits`` are detached."""
        if self.priors is not None:
            self.priors.note(logits.mean(dim=0), labels)

    def lacks_predictions(self) -> bool:
        """Whether :meth:`relabel` has never been called, and training needs what it finds now."""
        epoch = self.epoch or 0
        missing = self.priors is not None and self.priors.values is None
        return missing and epoch > 0 and self.passes(epoch) > 0

    def finding(self) -> Finding | None:
        """What it has estimated in training; None where it estimates nothing, or has not yet."""
        return None if self.auto is None else self.auto.finding()

    def check(self) -> None:
        """Raises what a GPU has found since the last step; call it before saving anything."""
        self._validation.deferred.flush()

    def current_epoch(self) -> int:
        """The epoch, for schedules.

        Raises:
            ScheduleError: ``set_epoch`` was never called.
        """
        if self.epoch is None:
            raise ScheduleError(
                f"{type(self).__name__} needs the epoch, because what it does depends on it. "
                "Call loss.set_epoch(epoch) before each epoch; 0 is the warm-up."
            )
        return self.epoch

    def extra_repr(self) -> str:
        """The settings, as ``repr(loss)`` shows them."""
        return self._shown

    def get_extra_state(self) -> dict[str, Any]:
        return remembered.saved(self)

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Restores what :meth:`get_extra_state` gave.

        Raises:
            CheckpointError: it is of another method, or what it remembers is of other settings.
        """
        remembered.restore(self, state)
