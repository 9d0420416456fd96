"""Dense arrays of labels, as users hand them in: checked, and made int8."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from largeloss.errors import LabelError


def as_array(values: Any) -> NDArray[Any]:
    """``values`` as a NumPy array of numbers; tensors may be on any device.

    Raises:
        LabelError: they are no numbers.
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    try:
        array = np.asarray(values)
    except (TypeError, ValueError) as error:
        raise LabelError(f"Labels must be an array of numbers: {error}.") from None
    if array.dtype.kind not in "biuf":
        raise LabelError(
            f"Labels must be whole numbers (1 present, 0 absent, -1 unobserved), got an array of "
            f"type {array.dtype}."
        )
    return array


def dense_states(values: Any) -> NDArray[np.int8]:
    """(N, C) int8 of the same shape and values, which must be 1, 0 or -1.

    Raises:
        LabelError: another shape or value; the message names row, column and value.
    """
    array = as_array(values)
    if array.ndim != 2:
        raise LabelError(f"Labels must have the shape (images, classes), got {array.shape}.")
    if array.dtype == np.int8 and array.size and array.min() >= -1 and array.max() <= 1:
        return array
    wrong = (array != 0) & (array != 1)
    if array.dtype.kind != "u":
        wrong &= array != -1
    if wrong.any():
        row, column = (int(index) for index in np.argwhere(wrong)[0])
        value = array[row, column]
        if np.isnan(value):
            raise LabelError(
                f"The label in row {row}, column {column} is NaN. If NaN means 'not annotated', "
                "say so: largeloss.labels.convert(labels, 'nan-unobserved')."
            )
        raise LabelError(
            f"The label in row {row}, column {column} is {value}. Needed: 1 present, 0 absent, "
            "-1 unobserved. Convert another coding by name: largeloss.labels.convert(labels, "
            "coding)."
        )
    return array.astype(np.int8)
