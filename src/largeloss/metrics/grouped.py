"""Mean average precision by groups of classes, over annotated entries only, as on OpenImages."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from largeloss.errors import InputError
from largeloss.metrics.arrays import ArrayOrTensor, to_numpy
from largeloss.metrics.average_precision import average_precision_entries


@dataclass(frozen=True)
class GroupedMAP:
    """Mean average precision of groups of classes, and the counts behind it."""

    groups: tuple[float | None, ...]
    """mAP in percent of G1, G2, …; None where no class of the group was annotated."""
    num_counted: tuple[int, ...]
    """Classes behind each of ``groups``."""
    all: float | None
    """Mean of ``groups`` in percent, without groups that are None; None if all are."""
    num_never_annotated: int
    """Classes without annotated entries; they cannot be evaluated and are skipped."""
    num_without_positives: int
    """Annotated classes that are present in no image; each counts 0."""


def annotated_average_precision(
    scores: ArrayOrTensor, labels: ArrayOrTensor, columns: ArrayOrTensor, num_classes: int
) -> npt.NDArray[np.float64]:
    """Average precision of each class over its annotated entries; NaN without any.

    Memory is proportional to the entries. 15 million entries of 5,000 classes take seconds.
    Arguments, shapes, units and errors as ``average_precision_entries``.
    """
    places = to_numpy(columns)
    result = average_precision_entries(scores, labels, places, num_classes)
    annotated = np.zeros(num_classes, dtype=bool)
    if places.size:
        annotated[places] = True
    result[~annotated] = np.nan
    return result


def grouped_average_precision(ap: ArrayOrTensor, groups: ArrayOrTensor) -> GroupedMAP:
    """Mean over the classes of each group, and the mean of the groups.

    Args:
        ap: Average precision of each class; NaN for a class that was never annotated, which is
            skipped and counted. 0 means annotated without positives: with a positive it is larger.
        groups: The group of each class, whole numbers from 0: group 0 is G1.
    Shapes: ap (C,); groups (C,).
    Units: ap as fractions in [0, 1]; the result in percent.
    Raises: InputError for wrong shapes, values outside [0, 1] or negative groups.
    Source: Kim et al., CVPR 2022, table of OpenImages V3.
    """
    values, members = to_numpy(ap), to_numpy(groups)
    if values.ndim != 1 or values.shape != members.shape or not values.size:
        raise InputError(
            "ap and groups must have the same shape (C,) with at least one class, but have "
            f"{values.shape} and {members.shape}."
        )
    if values.dtype.kind not in "fiu" or members.dtype.kind not in "iu":
        raise InputError(
            "ap must be real numbers and groups whole numbers, but their types are "
            f"{values.dtype} and {members.dtype}."
        )
    bad = np.flatnonzero((values < 0) | (values > 1))
    if bad.size:
        raise InputError(
            f"ap must be fractions in [0, 1], or NaN for a class that was never annotated, but "
            f"{bad.size} of {values.size} are not; the first is {values[bad[0]]}, of class "
            f"{bad[0]}."
        )
    if int(members.min()) < 0:
        raise InputError(f"groups are numbered from 0, but the lowest is {int(members.min())}.")
    counted = ~np.isnan(values)
    num_groups = int(members.max()) + 1
    totals = np.bincount(members, np.where(counted, values, 0.0), minlength=num_groups)
    counts = np.bincount(members[counted], minlength=num_groups).tolist()
    means = tuple(
        100.0 * float(total) / count if count else None
        for total, count in zip(totals, counts, strict=True)
    )
    known = [mean for mean in means if mean is not None]
    return GroupedMAP(
        groups=means,
        num_counted=tuple(counts),
        all=sum(known) / len(known) if known else None,
        num_never_annotated=int(np.count_nonzero(~counted)),
        num_without_positives=int(np.count_nonzero(values == 0)),
    )
