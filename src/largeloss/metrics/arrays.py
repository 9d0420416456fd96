"""Converts arrays, lists and tensors on any device to checked NumPy arrays."""

from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from largeloss.errors import ConfigError, InputError, LabelError

Scores: TypeAlias = npt.NDArray[np.float32] | npt.NDArray[np.float64]
Labels: TypeAlias = npt.NDArray[np.int8]


class TensorLike(Protocol):
    """The interface of a tensor that is needed here, so that metrics do not import torch."""

    def detach(self) -> Any: ...


ArrayOrTensor: TypeAlias = npt.ArrayLike | TensorLike


def to_numpy(values: ArrayOrTensor) -> npt.NDArray[Any]:
    """Any array, list or tensor as a NumPy array; bfloat16 becomes float32."""
    if not hasattr(values, "detach"):
        return np.asarray(values)
    tensor = values.detach().cpu()
    try:
        array: npt.NDArray[Any] = tensor.numpy()
    except TypeError:  # NumPy has no bfloat16
        array = tensor.float().numpy()
    return array


def to_scores(values: ArrayOrTensor) -> Scores:
    """Scores as float32 (exact for float16 and bfloat16) or float64. NaN is not checked here."""
    array = to_numpy(values)
    if array.dtype.kind not in "biuf":
        raise InputError(f"scores must be real numbers, but their type is {array.dtype}.")
    if array.dtype == np.float16 or array.dtype == np.float32:
        return array.astype(np.float32, copy=False)
    return array.astype(np.float64, copy=False)


def to_labels(values: ArrayOrTensor, *, lowest: int = -1) -> Labels:
    """Labels as int8; every entry must be a whole number from ``lowest`` to 1."""
    array = to_numpy(values)
    if array.dtype.kind not in "biuf":
        raise LabelError(f"labels must be numbers, but their type is {array.dtype}.")
    # Minimum and maximum of whole numbers suffice, and need no matrix of intermediate results.
    whole = array.dtype.kind in "iu"
    if not whole or (array.size and (array.min() < lowest or array.max() > 1)):
        foreign = ~np.isin(array, range(lowest, 2))
        if foreign.any():
            advice = "Convert the labels first."
            if array.dtype.kind == "f" and np.isnan(array).any():
                advice = "Write largeloss.labels.convert(labels, 'nan-unobserved')."
            allowed = "1 (present), 0 (absent)" + (" or -1 (unobserved)" if lowest < 0 else "")
            raise LabelError(
                f"labels must be {allowed}, but {int(foreign.sum())} of {array.size} are not; "
                f"the first is {array[foreign][0]} at {_place(foreign)}. {advice}"
            )
    return array.astype(np.int8, copy=False)


def _place(bad: npt.NDArray[np.bool_]) -> str:
    """Where the first marked entry is, in a matrix (N, C) or a list (E,)."""
    first = np.argwhere(bad)[0].tolist()
    return "row {}, class {}".format(*first) if len(first) == 2 else f"entry {(*first, 0)[0]}"


def checked_pair(scores: ArrayOrTensor, labels: ArrayOrTensor) -> tuple[Scores, Labels]:
    """Scores and labels of one shape (N, C), C >= 1, without NaN.

    Raises:
        InputError: the shapes differ or are not (N, C), or a score is NaN, even an unobserved one.
        LabelError: a label is not 1, 0 or -1.
    """
    checked = to_scores(scores)
    states = to_labels(labels)
    if checked.ndim != 2:
        raise InputError(
            f"scores must have the shape (N, C), rows by classes, but have {checked.shape}. "
            "For a single class write scores[:, None] and labels[:, None]."
        )
    if checked.shape != states.shape:
        raise InputError(
            f"scores and labels must have the same shape, but have {checked.shape} and "
            f"{states.shape}."
        )
    if checked.shape[1] == 0:
        raise InputError(f"scores need at least one class, but have the shape {checked.shape}.")
    # min() is NaN if any score is, and needs no matrix of intermediate results.
    if checked.size and np.isnan(checked.min()):
        refuse_scores(np.isnan(checked), "NaN")
    return checked, states


def refuse_scores(bad: npt.NDArray[np.bool_], what: str) -> None:
    """Raise InputError for the marked scores, (N, C) or (E,), and name the place of the first."""
    raise InputError(
        f"{int(bad.sum())} of {bad.size} scores are {what}; the first is at {_place(bad)}. "
        "Find the step that produced them; this metric is not defined for such scores."
    )


def check_absent(absent: str) -> None:
    """Raise ConfigError unless ``absent`` is "zero" or "skip"."""
    if absent not in ("zero", "skip"):
        raise ConfigError(
            f'absent must be "zero" (a class without positives counts 0) or "skip" '
            f"(it is left out of the mean), but is {absent!r}."
        )
