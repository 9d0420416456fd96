"""The one interface of all methods.

Every method answers two questions about a batch: *what to believe* (targets) and *how much*
(weights); it may add one scalar penalty. Everything else is memory.

Axes, here and everywhere: B images of a batch, C classes, N images of the data set, D features.
``logits`` are (B, C) real numbers, never probabilities; ``labels`` are (B, C) whole numbers, 1
present, 0 absent, -1 unobserved; ``rows`` are (B,) the images' numbers in the data set.
"""

import math
import warnings
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from largeloss.errors import (
    CompleteLabelsWarning,
    ConfigError,
    LabelError,
    NonFiniteError,
    ScheduleError,
)
from largeloss.losses.cross_entropy import mean_cross_entropy
from largeloss.losses.watch import Watch


class Decision(NamedTuple):
    """What a method makes of a batch, before the loss is computed."""

    targets: Tensor
    """(B, C) in [0, 1]: what is believed."""
    weights: Tensor | None = None
    """(B, C) >= 0: how much; None for all alike, 1."""


class Context(NamedTuple):
    """What else ``forward`` was given of a batch; None where the method does not need it."""

    rows: Tensor | None = None
    """(B,)."""
    features: Tensor | None = None
    """(B, D): what the head sees."""
    head: nn.Linear | None = None
    """D → C: gives the logits of the features."""


class PartialLabelLoss(nn.Module):
    """Base of all losses: ``mean(weights * cross_entropy(logits, targets)) + penalty``.

    With several processes the mean is over the global batch; wrap model and loss in
    ``DistributedDataParallel`` and gradients are those of one process.

    A method overrides :meth:`decide`, and where it needs to :meth:`penalty`, :meth:`set_epoch` and
    :meth:`relabel`.
    """

    needs: ClassVar[frozenset[str]] = frozenset()
    """What ``forward`` must be given beside logits and labels: fields of :class:`Context`."""
    scheduled: ClassVar[bool] = False
    """Whether the method refuses to train before :meth:`set_epoch`."""
    expects_unobserved: ClassVar[bool] = True
    """Whether a first batch without a single unobserved entry is worth a warning."""
    lr_factor: float = 1.0
    """Learning rate of the loss's own parameters, in multiples of the model's."""

    def __init__(self) -> None:
        super().__init__()
        self.epoch: int | None = None
        self._watch = Watch()
        self._seen_batch = False

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
            labels: (B, C), any integer type (or bool): 1 present, 0 absent, -1 unobserved.
            rows: (B,) integer, the images' numbers; only where ``"rows"`` is in ``needs``.
            features: (B, D) float; only where ``"features"`` is in ``needs``.
            head: The linear layer from features to logits; only where ``"head"`` is in ``needs``.

        Raises:
            LabelError: labels of a wrong shape, type or value.
            NonFiniteError: logits that are NaN or infinite. On the CPU at once, on CUDA one step
                later and in :meth:`check`, so that a step needs no synchronisation.
            ScheduleError: a scheduled loss before ``set_epoch``.
        """
        if not labels.dtype.is_signed:  # bool and unsigned: comparing them with -1 goes wrong
            labels = labels.clamp(max=2).to(torch.int8)
        context = Context(rows, features, head)
        self._check_inputs(logits, labels, context)
        if logits.dtype in (torch.float16, torch.bfloat16):
            logits = logits.float()
        decision = self.decide(logits.detach(), labels, rows)
        loss = mean_cross_entropy(logits, decision.targets, decision.weights)
        penalty = self.penalty(logits, labels, context)
        return loss if penalty is None else loss + penalty

    def decide(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Decision:
        """What to believe about each entry, and how much; ``logits`` are detached."""
        raise TypeError(f"{type(self).__name__} must define decide(logits, labels, rows).")

    def flagged(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> Tensor | None:
        """(B, C) bool: unobserved entries that :meth:`decide` does not take for absent; for
        analyses, collective. None for methods that single out none."""
        return None

    def penalty(self, logits: Tensor, labels: Tensor, context: Context) -> Tensor | None:
        """One scalar added to the mean; None unless the method has one."""
        return None

    def set_epoch(self, epoch: int) -> None:
        """Tells the method which epoch begins (0 is the first); call it in every process.

        After the last epoch call it once more, with the number of epochs: methods that change
        labels commit what they proposed.
        """
        if isinstance(epoch, bool) or not isinstance(epoch, int) or epoch < 0:
            raise ConfigError(f"set_epoch needs a whole number from 0 on, got {epoch!r}.")
        self.epoch = epoch

    def passes(self, epoch: int) -> int:
        """How many scorings of the training images :meth:`relabel` wants before ``epoch``."""
        return 0

    def relabel(self, logits: Tensor, labels: Tensor, rows: Tensor) -> None:
        """For methods that label between epochs; call it for all training images, in chunks.

        What it accepts takes effect in the next :meth:`set_epoch`.

        Shapes: logits (P, B, C), of :meth:`passes` scorings; labels (B, C), as given; rows (B,).
        """

    def check(self) -> None:
        """Raises what a GPU has found since the last step; call it before saving anything."""
        self._watch.flush()

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

    def get_extra_state(self) -> dict[str, Any]:
        """Saved within ``state_dict()``; loadable weights-only."""
        return {"epoch": -1 if self.epoch is None else self.epoch}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Restores what :meth:`get_extra_state` gave."""
        self.epoch = None if state["epoch"] < 0 else int(state["epoch"])

    def _check_inputs(self, logits: Tensor, labels: Tensor, context: Context) -> None:
        name = type(self).__name__
        if logits.ndim != 2 or not logits.is_floating_point():
            raise LabelError(
                f"{name} needs float logits of shape (B, C), got {tuple(logits.shape)} "
                f"of type {logits.dtype}."
            )
        if labels.shape != logits.shape:
            raise LabelError(
                f"{name} needs labels of the logits' shape {tuple(logits.shape)}, "
                f"got {tuple(labels.shape)}."
            )
        if labels.is_floating_point() or labels.is_complex():
            raise LabelError(
                f"{name} needs integer labels (1 present, 0 absent, -1 unobserved), got "
                f"{labels.dtype}. Write labels.to(torch.int8), or convert another coding by name: "
                "largeloss.labels.convert(labels, 'nan-unobserved')."
            )
        for need in sorted(self.needs):
            if getattr(context, need) is None:
                raise ConfigError(
                    f"{name} needs {need}: call loss(logits, labels, {need}={need})"
                    + (", the images' numbers in the data set." if need == "rows" else ".")
                )
        rows = context.rows
        if rows is not None and rows.shape != logits.shape[:1]:
            raise ConfigError(
                f"{name} needs one row number an image, shape ({logits.shape[0]},), "
                f"got {tuple(rows.shape)}."
            )
        if self.scheduled:
            self.current_epoch()
        if not self._seen_batch:
            self._seen_batch = True
            self._look_at_first_batch(labels)
        self._watch_values(logits.detach(), labels, rows)

    def _look_at_first_batch(self, labels: Tensor) -> None:
        if self.expects_unobserved and labels.numel() and not bool((labels < 0).any()):
            warnings.warn(
                f"{type(self).__name__}: the first batch has no unobserved entry (-1). Where a 0 "
                "means 'not annotated' rather than 'absent', convert the labels first: "
                "largeloss.labels.convert(labels, 'positives-only').",
                CompleteLabelsWarning,
                stacklevel=6,  # the line that calls the loss, past torch's two frames
            )

    def _watch_values(self, logits: Tensor, labels: Tensor, rows: Tensor | None) -> None:
        self._watch.flush()
        if not labels.numel():
            return
        low, high = labels.aminmax()

        def wrong_label() -> Exception:
            return LabelError(
                f"Labels must be 1, 0 or -1, got values from {int(low)} to {int(high)}. "
                "Convert another coding by name: largeloss.labels.convert(labels, coding)."
            )

        def not_finite() -> Exception:
            images = torch.where(~logits.isfinite().all(dim=1))[0].cpu()
            names = tuple((images if rows is None else rows.detach().cpu()[images]).tolist())
            kind = "positions in the batch" if rows is None else "rows"
            listed = ", ".join(map(str, names[:8])) + (" …" if len(names) > 8 else "")
            return NonFiniteError(
                f"Logits are NaN or infinite for {len(names)} of {len(logits)} images, {kind} "
                f"{listed} (epoch {self.epoch}). Lower the learning rate, look at these images, or "
                "train in full precision.",
                names if rows is not None else (),
            )

        if logits.device.type != "cpu":
            self._watch((high > 1) | (low < -1), wrong_label)
            self._watch(~logits.isfinite().all(), not_finite)
            return
        if int(high) > 1 or int(low) < -1:
            raise wrong_label()
        # One pass: a sum is finite where every logit is; the exact look follows only if not.
        if not math.isfinite(float(logits.sum(dtype=torch.float32))):
            self._watch(~logits.isfinite().all(), not_finite)
