"""Foreign label codings, converted by name and never guessed.

==================  =======  ======  ==========  =======================================
coding              present  absent  unobserved  used by
==================  =======  ======  ==========  =======================================
zero-unobserved     1        -1      0           SPML ``labels_obs``, HCP, IMCL, WIDER
positives-only      1        –       0           tag lists, 0/1 matrices of tags
complete            1        0       –           SPML clean ``labels``
nan-unobserved      1        0       NaN         torchxrayvision
==================  =======  ======  ==========  =======================================
"""

from typing import Any

import numpy as np

from largeloss.errors import LabelError

CODINGS: dict[str, dict[float | None, int]] = {
    "zero-unobserved": {1: 1, -1: 0, 0: -1},
    "positives-only": {1: 1, 0: -1},
    "complete": {1: 1, 0: 0},
    "nan-unobserved": {1: 1, 0: 0, None: -1},
}
"""Name → value there (None: NaN) → state here."""


def convert(labels: Any, coding: str) -> Any:
    """Labels of a foreign coding as int8: 1 present, 0 absent, -1 unobserved.

    Args:
        labels: A NumPy array or a tensor of any shape.
        coding: A name of :data:`CODINGS`.

    Returns:
        The same kind and shape, int8.

    Raises:
        LabelError: no such coding, a value that it does not have, or no array of numbers.
    """
    if coding not in CODINGS:
        raise LabelError(f"There is no coding {coding!r}; there are {', '.join(CODINGS)}.")
    _check_numbers(labels)
    result = labels != labels  # False, and True where NaN
    nan, known = result, result & False
    states = 0 * known
    for value, state in CODINGS[coding].items():
        here = nan if value is None else labels == value
        known = known | here
        states = states + state * here
    if not bool(known.all()):
        foreign = labels[~known].reshape(-1)[0]
        raise LabelError(
            f"Coding {coding!r} has no value {float(foreign):g}; it has "
            f"{', '.join('NaN' if v is None else str(v) for v in CODINGS[coding])}."
        )
    try:
        return states.astype("int8")
    except AttributeError:
        return states.char()


def _check_numbers(labels: Any) -> None:
    if isinstance(labels, np.ndarray | np.generic):
        if labels.dtype.kind not in "biuf":
            raise LabelError(
                f"convert needs an array of numbers, got one of type {labels.dtype}. Write "
                "labels.astype(float), which makes numbers of text, and NaN of None."
            )
    elif not hasattr(labels, "detach"):
        raise LabelError(
            f"convert needs a NumPy array or a tensor, got {type(labels).__name__}. "
            "Write numpy.asarray(labels)."
        )
