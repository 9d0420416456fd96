"""Average precision, the F1 family and thresholds: pure functions over arrays.

Scores are (N, C), rows by classes; labels are 1 present, 0 absent, -1 unobserved, and only
observed entries count. Inputs are arrays or tensors; results are NumPy arrays.
"""

from largeloss.metrics.average_precision import average_precision, average_precision_entries
from largeloss.metrics.bootstrap import Interval, map_interval
from largeloss.metrics.example_average_precision import example_average_precision
from largeloss.metrics.f1 import F1Scores, f1_scores, f1_scores_entries
from largeloss.metrics.grouped import (
    GroupedMAP,
    annotated_average_precision,
    grouped_average_precision,
)
from largeloss.metrics.log_rank import log_rank
from largeloss.metrics.mean_average_precision import (
    MeanAveragePrecision,
    mean_average_precision,
    mean_average_precision_entries,
)
from largeloss.metrics.tag_counts import TagCounts, tag_counts, tag_counts_entries
from largeloss.metrics.thresholds import (
    best_thresholds,
    best_thresholds_entries,
    shrunk_thresholds,
    shrunk_thresholds_entries,
)

__all__ = [
    "F1Scores",
    "GroupedMAP",
    "Interval",
    "MeanAveragePrecision",
    "TagCounts",
    "annotated_average_precision",
    "average_precision",
    "average_precision_entries",
    "best_thresholds",
    "best_thresholds_entries",
    "example_average_precision",
    "f1_scores",
    "f1_scores_entries",
    "grouped_average_precision",
    "log_rank",
    "map_interval",
    "mean_average_precision",
    "mean_average_precision_entries",
    "shrunk_thresholds",
    "shrunk_thresholds_entries",
    "tag_counts",
    "tag_counts_entries",
]
