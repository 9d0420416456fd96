"""Labels of every image: on disk, in memory, and hidden on purpose.

The states are 1 present, 0 absent and -1 unobserved; in files 1, 0 and blank.
"""

from largeloss.labels.codings import CODINGS, convert
from largeloss.labels.edits import LabelEdits, apply_edits, read_edits, write_edits
from largeloss.labels.files.read import LabelFile, read_labels
from largeloss.labels.files.write import write_labels
from largeloss.labels.observe import (
    fraction,
    observe,
    per_class,
    positives_and_negatives,
    single_positive,
)
from largeloss.labels.table import ABSENT, PRESENT, UNOBSERVED, Counts, LabelTable

__all__ = [
    "ABSENT",
    "CODINGS",
    "PRESENT",
    "UNOBSERVED",
    "Counts",
    "LabelEdits",
    "LabelFile",
    "LabelTable",
    "apply_edits",
    "convert",
    "fraction",
    "observe",
    "per_class",
    "positives_and_negatives",
    "read_edits",
    "read_labels",
    "single_positive",
    "write_edits",
    "write_labels",
]
