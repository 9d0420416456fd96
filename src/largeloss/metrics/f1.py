"""Precision, recall and F1, over all entries and as means over classes."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from largeloss.metrics.arrays import ArrayOrTensor, check_absent
from largeloss.metrics.tag_counts import TagCounts, tag_counts, tag_counts_entries


@dataclass(frozen=True)
class F1Scores:
    """The six numbers of the multi-label literature, all in percent, 0/0 being 0."""

    overall_precision: float
    """OP: share of the entries predicted present that are present."""
    overall_recall: float
    """OR: share of the present entries that were predicted."""
    overall_f1: float
    """OF1: harmonic mean of OP and OR."""
    class_precision: float
    """CP: mean of the precision of the classes."""
    class_recall: float
    """CR: mean of the recall of the classes."""
    class_f1: float
    """CF1: harmonic mean of CP and CR (not the mean of the classes' F1)."""
    num_absent: int
    """Number of classes without an observed positive."""


def f1_scores(
    scores: ArrayOrTensor,
    labels: ArrayOrTensor,
    thresholds: ArrayOrTensor = 0.0,
    absent: Literal["zero", "skip"] = "zero",
) -> F1Scores:
    """OP, OR, OF1, CP, CR and CF1 over observed entries, in percent.

    An entry is predicted present if ``score > threshold``, compared in float64.

    Args:
        scores: Logits (the default threshold 0 is probability one half) or any other scores.
        labels: 1 present, 0 absent, -1 unobserved.
        thresholds: One number for all classes, or one for each.
        absent: What a class without an observed positive does to CP and CR: counts 0 ("zero")
            or is left out ("skip"). OP and OR always use every observed entry.
    Shapes: scores (N, C); labels (N, C); thresholds () or (C,).
    Units: percent, in [0, 100].
    Raises: InputError for a wrong shape, a NaN score or threshold; LabelError for any
        other label; ConfigError for another ``absent``.
    Source: Chen et al., "Multi-Label Image Recognition with Graph Convolutional Networks",
        CVPR 2019, section 4.1, for the six names and CF1 as the harmonic mean of CP and CR.
    """
    check_absent(absent)
    return _from_counts(tag_counts(scores, labels, thresholds), absent)


def f1_scores_entries(
    scores: ArrayOrTensor,
    labels: ArrayOrTensor,
    columns: ArrayOrTensor,
    num_classes: int,
    thresholds: ArrayOrTensor = 0.0,
    absent: Literal["zero", "skip"] = "zero",
) -> F1Scores:
    """``f1_scores`` from a list of observed entries, in O(entries) memory.

    Scores, labels and columns as ``average_precision_entries``; the rest as ``f1_scores``.
    """
    check_absent(absent)
    counts = tag_counts_entries(scores, labels, columns, num_classes, thresholds)
    return _from_counts(counts, absent)


def _from_counts(counts: TagCounts, absent: str) -> F1Scores:
    num_hits, num_predicted, num_positive = counts.hits, counts.predicted, counts.positives
    counted = num_positive > 0 if absent == "skip" else np.ones_like(num_positive, dtype=bool)
    overall_precision = float(_ratio(num_hits.sum(), num_predicted.sum()))
    overall_recall = float(_ratio(num_hits.sum(), num_positive.sum()))
    class_precision = _mean(_ratio(num_hits, num_predicted)[counted])
    class_recall = _mean(_ratio(num_hits, num_positive)[counted])
    return F1Scores(
        overall_precision=100.0 * overall_precision,
        overall_recall=100.0 * overall_recall,
        overall_f1=100.0 * _harmonic(overall_precision, overall_recall),
        class_precision=100.0 * class_precision,
        class_recall=100.0 * class_recall,
        class_f1=100.0 * _harmonic(class_precision, class_recall),
        num_absent=int(np.count_nonzero(num_positive == 0)),
    )


def _ratio(part: Any, whole: Any) -> npt.NDArray[np.float64]:
    return np.asarray(part / np.maximum(whole, 1), dtype=np.float64)  # part is 0 where whole is


def _mean(values: npt.NDArray[np.float64]) -> float:
    return float(values.mean()) if values.size else 0.0


def _harmonic(precision: float, recall: float) -> float:
    total = precision + recall
    return 2.0 * precision * recall / total if total > 0.0 else 0.0
