"""Validates what a loss is given: the values, and whether it is all that the method needs.

Types and shapes are checked before, in :mod:`largeloss.losses.given`.
"""

import math
import warnings
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from largeloss.errors import (
    CompleteLabelsWarning,
    ConfigError,
    LabelError,
    NonFiniteError,
    ScheduleError,
)
from largeloss.losses.balance import check_class_weights
from largeloss.losses.given import wrong_values
from largeloss.losses.host_copy import DeferredCheck

if TYPE_CHECKING:
    from largeloss.losses.base import Context, PartialLabelLoss


class BatchValidation:
    """The validation of one loss's batches and predictions.

    Values are checked at once on the CPU; on a GPU they are read one step later, so that a step
    needs no synchronisation.
    """

    def __init__(self) -> None:
        self.deferred = DeferredCheck()
        self._seen_batch = False

    def __call__(
        self,
        loss: "PartialLabelLoss",
        logits: Tensor,
        labels: Tensor,
        context: "Context",
        learning: bool,
    ) -> None:
        """Checks a batch; ``logits`` are detached, ``learning`` says whether it is trained on.

        Raises:
            LabelError: labels of a wrong value.
            ConfigError: something of the context is missing, a row is negative, or the weights of
                classes have a wrong shape.
            ScheduleError: a scheduled loss before ``set_epoch``, or one that learns between
                epochs and was given no predictions.
            NonFiniteError: logits that are NaN or infinite.
        """
        name = type(loss).__name__
        for need in sorted(loss.needs):
            if getattr(context, need) is None:
                raise ConfigError(
                    f"{name} needs {need}: call loss(logits, labels, {need}={need})"
                    + (", the images' numbers in the data set." if need == "rows" else ".")
                )
        if loss.class_weights is not None:
            check_class_weights(loss.class_weights, logits.shape[1], self.deferred)
        if loss.scheduled:
            loss.current_epoch()
        if learning and loss.lacks_predictions():
            raise _no_predictions(name, loss.epoch)
        if learning and not self._seen_batch:
            self._seen_batch = True
            if loss.expects_unobserved and labels.numel() and bool((labels >= 0).all()):
                _warn_of_complete_labels(name)
        self.deferred.flush()
        self._check_values(loss, logits, labels, context.rows)

    def predictions(
        self, loss: "PartialLabelLoss", logits: Tensor, labels: Tensor, rows: Tensor | None
    ) -> None:
        """Checks what ``relabel`` is given.

        Raises:
            LabelError: labels of a wrong value, or a single pass where several must differ.
            ConfigError: the rows are missing, or one is negative.
            NonFiniteError: logits that are NaN or infinite.
        """
        name = type(loss).__name__
        if rows is None and "rows" in loss.needs:
            raise ConfigError(
                f"{name} needs rows: call loss.relabel(logits, labels, rows), rows being the "
                "images' numbers in the data set."
            )
        if loss.stochastic and len(logits) < 2:
            raise LabelError(
                f"{name}.relabel needs the logits of several prediction passes that differ by "
                "dropout, got one pass. Predict loss.passes(epoch) times, and stack the logits."
            )
        self.deferred.flush()
        self._check_values(loss, logits.transpose(0, 1).flatten(1), labels, rows)

    def _check_values(
        self, loss: "PartialLabelLoss", logits: Tensor, labels: Tensor, rows: Tensor | None
    ) -> None:
        if not labels.numel():
            return
        epoch = loss.epoch
        if rows is not None and "rows" in loss.needs:
            if not rows.is_cpu:
                self.deferred.refuse_if((rows < 0).any(), lambda: _negative_row(rows))
            elif int(rows.min()) < 0:
                raise _negative_row(rows)
        if not logits.is_cpu:
            low, high = labels.aminmax()
            self.deferred.refuse_if((high > 1) | (low < -1), lambda: wrong_values(low, high))
            finite = logits.isfinite()
            self.deferred.refuse_if(~finite.all(), lambda: _not_finite(finite, rows, epoch))
            return
        low, high = labels.aminmax()
        if int(low) < -1 or int(high) > 1:
            raise wrong_values(low, high)
        # A sum is finite where every logit is; only else is each one checked.
        if not math.isfinite(logits.sum(dtype=torch.float32)):
            finite = logits.isfinite()
            if not finite.all():
                raise _not_finite(finite, rows, epoch)


def _no_predictions(name: str, epoch: int | None) -> ScheduleError:
    return ScheduleError(
        f"{name} learns between epochs from predictions for the training images, and was given "
        f"none before epoch {epoch}: it would train as a simpler method. Where loss.passes(epoch) "
        "is above 0, call loss.relabel(logits, labels, rows) for all training images, then "
        "loss.set_epoch(epoch)."
    )


def _warn_of_complete_labels(name: str) -> None:
    warnings.warn(
        f"{name}: the first batch has no unobserved entry (-1). Where a 0 means 'not "
        "annotated' rather than 'absent', convert the labels first: "
        "largeloss.labels.convert(labels, 'positives-only').",
        CompleteLabelsWarning,
        stacklevel=6,  # the line that calls the loss, past torch's two frames
    )


def _negative_row(rows: Tensor) -> ConfigError:
    return ConfigError(
        f"Rows are the images' numbers in the data set, 0 or more, got {int(rows.min())}. "
        "largeloss.IndexedDataset adds them to the samples."
    )


def _not_finite(finite: Tensor, rows: Tensor | None, epoch: int | None) -> NonFiniteError:
    images = torch.where(~finite.all(dim=1))[0].cpu()
    names = tuple((images if rows is None else rows.detach().cpu()[images]).tolist())
    kind = "positions in the batch" if rows is None else "rows"
    listed = ", ".join(map(str, names[:8])) + (" …" if len(names) > 8 else "")
    return NonFiniteError(
        f"Logits are NaN or infinite for {len(names)} of {len(finite)} images, {kind} "
        f"{listed} (epoch {epoch}). Lower the learning rate, look at these images, or train "
        "in full precision.",
        names if rows is not None else (),
    )
