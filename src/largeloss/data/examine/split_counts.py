"""How many labels each split has of each class, counted on the sparse rows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from largeloss.data.dataset import Rows
from largeloss.labels import ABSENT, PRESENT, LabelTable


@dataclass(frozen=True)
class SplitCounts:
    """The labels of one split; "present" and "absent" are observed ones."""

    images: int
    unlabelled: int
    """Images without any observed label."""
    without_present: int
    """Images without any present label, the unlabelled ones among them."""
    mean_present: float
    """Present labels per image; 0 for a split without images."""
    most_present: int
    """Present labels of the image that has most of them."""
    present: tuple[int, ...]
    """Images in which each class is present, in the order of the classes; so are the next two."""
    absent: tuple[int, ...]
    unobserved: tuple[int, ...]
    never_present: tuple[str, ...]
    """Classes that no image of the split has."""
    never_observed: tuple[str, ...]
    """Those of them that are not observed as absent either."""

    @property
    def is_complete(self) -> bool:
        """Whether every entry is observed."""
        return not any(self.unobserved)


def count_splits(table: LabelTable, splits: Mapping[str, Rows]) -> dict[str, SplitCounts]:
    """What ``table`` holds of each split.

    Nothing is made dense: 3.4 million images with 15 million entries need less than 300 MB beside
    the table.
    """
    observed = np.diff(table.offsets)
    running = np.zeros(table.num_observed + 1, dtype=np.int32)
    np.cumsum(table.states, out=running[1:])
    present = running[table.offsets[1:]] - running[table.offsets[:-1]]
    counted = {}
    for name, rows in splits.items():
        chosen = np.zeros(table.num_images, dtype=bool)
        chosen[rows] = True
        inside = np.repeat(chosen, observed)
        have, lack = (
            np.bincount(
                table.columns[inside & (table.states == state)], minlength=table.num_classes
            )
            for state in (PRESENT, ABSENT)
        )
        counted[name] = SplitCounts(
            images=len(rows),
            unlabelled=int((observed[rows] == 0).sum()),
            without_present=int((present[rows] == 0).sum()),
            mean_present=float(present[rows].mean()) if len(rows) else 0.0,
            most_present=int(present[rows].max(initial=0)),
            present=tuple(have.tolist()),
            absent=tuple(lack.tolist()),
            unobserved=tuple((len(rows) - have - lack).tolist()),
            never_present=_named(table, have == 0),
            never_observed=_named(table, have + lack == 0),
        )
    return counted


def _named(table: LabelTable, mask: np.ndarray) -> tuple[str, ...]:
    return tuple(table.classes[column] for column in np.flatnonzero(mask).tolist())
