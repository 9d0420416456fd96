"""What a loss is given: types and shapes are checked, and brought to those that methods compute in.

Logits become float32 or float64, labels a signed integer type, row numbers int64.
"""

from numbers import Integral

import torch
from torch import Tensor

from largeloss import distributed
from largeloss.errors import ConfigError, LabelError

_HALF = (torch.float16, torch.bfloat16)
_FLOAT = (*_HALF, torch.float32, torch.float64)
_WIDER = {torch.bool: torch.int8, torch.uint8: torch.int16}  # types that cannot hold -1
_SIGNED = (torch.int8, torch.int16, torch.int32, torch.int64)


def whole_epoch(epoch: int) -> int:
    """An epoch, also one of NumPy's.

    Raises:
        ConfigError: it is no whole number from 0 on.
    """
    if isinstance(epoch, bool) or not isinstance(epoch, Integral) or epoch < 0:
        raise ConfigError(f"set_epoch needs a whole number from 0 on, got {epoch!r}.")
    return int(epoch)


def needs_gradient(logits: Tensor) -> bool:
    """Whether a gradient is wanted, as in training."""
    return torch.is_grad_enabled() and logits.requires_grad


def batch(
    name: str, logits: Tensor, labels: Tensor, rows: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """A batch of the loss called ``name``: logits (B, C), labels (B, C), rows (B,).

    Raises:
        LabelError: logits or labels of a wrong type or shape, or on different devices.
        ConfigError: rows of a wrong type or shape.
    """
    logits = _logits(name, logits, 2, "(B, C)")
    if not logits.numel() and distributed.world_size() == 1:  # else others may have images
        raise LabelError(
            f"{name} needs at least one image and one class, got logits of shape "
            f"{tuple(logits.shape)}. Leave out batches that are empty."
        )
    labels = integer_labels(name, labels, logits.shape)
    if labels.device != logits.device:
        raise LabelError(
            f"{name} needs labels on the logits' device, {logits.device}, got {labels.device}. "
            "Write labels.to(logits.device)."
        )
    return logits, labels, _rows(name, rows, len(logits))


def predictions(
    name: str, logits: Tensor, labels: Tensor, rows: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """What ``relabel`` is given: logits (P, B, C), which are detached; labels (B, C), rows (B,).

    Raises:
        LabelError: logits or labels of a wrong type or shape.
        ConfigError: rows of a wrong type or shape.
    """
    name = f"{name}.relabel"
    logits = _logits(name, logits, 3, "(P, B, C), of P prediction passes").detach()
    if not len(logits):
        raise LabelError(f"{name} needs at least one prediction pass, got {tuple(logits.shape)}.")
    labels = integer_labels(name, labels, logits.shape[1:])
    return logits, labels, _rows(name, rows, logits.shape[1])


def table(name: str, labels: Tensor) -> Tensor:
    """Labels (N, C) of all images, in a type that holds -1.

    Raises:
        LabelError: they are of another type or shape, or have another value.
    """
    if isinstance(labels, Tensor) and labels.ndim != 2:
        raise LabelError(f"{name} needs labels of shape (N, C), got {tuple(labels.shape)}.")
    labels = integer_labels(name, labels, getattr(labels, "shape", torch.Size()))
    if labels.numel():
        low, high = labels.aminmax()
        if int(low) < -1 or int(high) > 1:
            raise wrong_values(low, high)
    return labels


def wrong_values(low: Tensor, high: Tensor) -> LabelError:
    """The error of labels between ``low`` and ``high``."""
    unsigned = " 255 is -1 in uint8: use torch.int8." if int(high) == 255 else ""
    return LabelError(
        f"Labels must be 1, 0 or -1, got values from {int(low)} to {int(high)}.{unsigned} "
        "Convert another coding by name: largeloss.labels.convert(labels, coding)."
    )


def integer_labels(name: str, labels: Tensor, shape: torch.Size) -> Tensor:
    """Labels of the logits' ``shape`` in a type that holds -1; values are not checked.

    Raises:
        LabelError: they are of another type or shape.
    """
    if not isinstance(labels, Tensor):
        raise LabelError(
            f"{name} needs a tensor of labels, got {type(labels).__name__}. "
            "Write torch.as_tensor(labels)."
        )
    if labels.shape != shape:
        raise LabelError(
            f"{name} needs labels of the logits' shape {tuple(shape)}, got {tuple(labels.shape)}."
        )
    if labels.dtype in _SIGNED:
        return labels
    if labels.dtype in _WIDER:
        return labels.to(_WIDER[labels.dtype])
    raise LabelError(
        f"{name} needs integer labels (1 present, 0 absent, -1 unobserved), got {labels.dtype}. "
        "Write labels.to(torch.int8), or convert another coding by name: "
        "largeloss.labels.convert(labels, 'nan-unobserved')."
    )


def _logits(name: str, logits: Tensor, ndim: int, shape: str) -> Tensor:
    if not isinstance(logits, Tensor):
        raise LabelError(
            f"{name} needs a tensor of logits {shape}, got {type(logits).__name__}. "
            "Pass the logits alone: of a model's outputs, outputs.logits."
        )
    if logits.ndim != ndim or logits.dtype not in _FLOAT:
        one_pass = ndim == 3 and logits.ndim == 2
        raise LabelError(
            f"{name} needs float logits of shape {shape}, got {tuple(logits.shape)} "
            f"of type {logits.dtype}." + (" For one pass write logits[None]." * one_pass)
        )
    return logits.float() if logits.dtype in _HALF else logits


def _rows(name: str, rows: Tensor | None, num_images: int) -> Tensor | None:
    if rows is None:
        return None
    if not isinstance(rows, Tensor):
        raise ConfigError(
            f"{name} needs a tensor of row numbers, got {type(rows).__name__}. "
            "Write torch.as_tensor(rows)."
        )
    if rows.shape != (num_images,):
        raise ConfigError(
            f"{name} needs one row number per image, shape ({num_images},), "
            f"got {tuple(rows.shape)}."
        )
    if rows.dtype.is_floating_point or rows.dtype.is_complex or rows.dtype == torch.bool:
        raise ConfigError(
            f"{name} needs whole numbers as rows, got {rows.dtype}. Rows are the images' numbers "
            "in the data set; largeloss.IndexedDataset adds them to the samples."
        )
    return rows.long()
