"""Trackers follow a run: TensorBoard, Weights & Biases, MLflow.

The run folder is what a tracker is told of: after each epoch it gets what it has not got yet. A run
that is resumed goes on in the same run of the tracker, and one that the tracker lost is sent later.
"""

from largeloss.runs.tracking.follow import tracked
from largeloss.runs.tracking.trackers import check_trackers

__all__ = ["check_trackers", "tracked"]
