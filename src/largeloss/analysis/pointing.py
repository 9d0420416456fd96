"""The pointing game: does the maximum of a class activation map lie on the object?"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from largeloss.analysis.cam import activation_maps, resized
from largeloss.data.folder.boxes import Boxes
from largeloss.data.inputs.loader import Batch
from largeloss.models import Classifier

PointOutcome = Literal["hit", "miss", "difficult"]


@dataclass(frozen=True)
class Pointing:
    """Counts over all pairs of an image and a class that is present in it."""

    classes: tuple[str, ...]
    hits: NDArray[np.int64]
    """(C,): pairs with the maximum inside a box of the class."""
    misses: NDArray[np.int64]
    """(C,): pairs with the maximum outside of all boxes of the class."""
    centre_hits: int
    centre_misses: int
    """Hits and misses of the image centre, as a baseline without a model, over all classes."""
    num_without_box: int
    """Pairs left out because the image has no box of the class."""
    num_difficult: int
    """Pairs left out because the maximum lies in a box that is marked difficult (VOC) or crowd
    (COCO), or because the class has only such boxes."""

    @property
    def accuracy(self) -> float | None:
        """Share of hits among all pairs (micro); None without any pair."""
        pairs = int(self.hits.sum() + self.misses.sum())
        return int(self.hits.sum()) / pairs if pairs else None

    @property
    def centre_accuracy(self) -> float | None:
        """Share of hits when the point is always the image centre; None without any pair."""
        pairs = self.centre_hits + self.centre_misses
        return self.centre_hits / pairs if pairs else None

    @property
    def mean_accuracy(self) -> float | None:
        """Mean over classes of their shares of hits (macro); None without any pair."""
        shares = [share for share in self.by_class.values() if share is not None]
        return sum(shares) / len(shares) if shares else None

    @property
    def by_class(self) -> dict[str, float | None]:
        """Class → share of hits; None where there is no pair."""
        counts = zip(self.classes, self.hits.tolist(), self.misses.tolist(), strict=True)
        return {
            name: hits / (hits + misses) if hits + misses else None for name, hits, misses in counts
        }

    def as_json(self) -> dict[str, Any]:
        """Shares in percent, as :mod:`largeloss.experiments.published` reads them."""
        pairs = (self.hits + self.misses).tolist()
        return {
            "accuracy": _percent(self.accuracy),
            "mean_accuracy": _percent(self.mean_accuracy),
            "centre_accuracy": _percent(self.centre_accuracy),
            "num_pairs": sum(pairs),
            "num_without_box": self.num_without_box,
            "num_difficult": self.num_difficult,
            "classes": {
                name: {"accuracy": _percent(share), "num_pairs": number}
                for (name, share), number in zip(self.by_class.items(), pairs, strict=True)
            },
        }


def pointing(
    model: Classifier,
    batches: Iterable[Batch],
    columns: NDArray[np.int64],
    classes: tuple[str, ...],
    boxes: Boxes,
    size: Callable[[int], tuple[int, int]],
    tolerance: float = 0.0,
) -> Pointing:
    """Evaluates every pair of an image and a class that is present in its labels.

    Args:
        model: A network with class activation maps.
        batches: Images with their labels (B, C).
        columns: (C,): for each class of the labels, its position among the model's classes.
        classes: C names.
        boxes: Rows and columns as in the labels.
        size: Row → width and height of the original image in pixels.
        tolerance: A point at most this many pixels outside of a box still counts as inside.

    Raises:
        ConfigError: the network has no class activation maps.

    Source: Zhang et al., ECCV 2016. As in VOC's detection task, a difficult box is neither a hit
        nor a miss. Several equal maxima: see :func:`maximum_point`.
    """
    hits, misses = (np.zeros(len(classes), dtype=np.int64) for _ in range(2))
    centre = Counter[PointOutcome]()
    without_box = difficult = 0
    for batch in batches:
        maps = activation_maps(model, batch.inputs)[:, torch.from_numpy(columns)]
        labels = batch.labels.cpu().numpy()
        for place, row in enumerate(batch.rows.tolist()):
            present = np.flatnonzero(labels[place] == 1)
            if not len(present):
                continue
            width, height = size(row)
            large = resized(maps[place, torch.from_numpy(present)], height, width).cpu().numpy()
            first, last = np.searchsorted(boxes.rows, [row, row + 1])
            for column, one in zip(present.tolist(), large, strict=True):
                own = np.arange(first, last)
                own = own[np.isin(boxes.columns[own], (column, -1))]
                if not len(own):
                    without_box += 1
                    continue
                corners, hard = boxes.corners[own], boxes.difficult[own]
                outcome = point_outcome(corners, hard, *maximum_point(one), tolerance)
                hits[column] += outcome == "hit"
                misses[column] += outcome == "miss"
                difficult += outcome == "difficult"
                centre[point_outcome(corners, hard, width / 2, height / 2, tolerance)] += 1
    return Pointing(classes, hits, misses, centre["hit"], centre["miss"], without_box, difficult)


def maximum_point(large: NDArray[np.float32]) -> tuple[float, float]:
    """(x, y) of the maximum of a map (H, W), in pixels; of several equal maxima the mean.

    A resized map is constant beyond the centres of its outermost cells. There, the first maximum
    would lie at the left or top edge of an image, but not at the right or bottom edge, and an
    image and its mirror image would give different results. The mean treats both alike.
    """
    maximum = large.max()
    # Interpolation rounds where a map is constant: values within four roundings count as equal.
    rows, columns = np.nonzero(large >= maximum - 4 * np.finfo(large.dtype).eps * abs(maximum))
    return float(columns.mean()) + 0.5, float(rows.mean()) + 0.5


def point_outcome(
    corners: NDArray[np.float32],
    difficult: NDArray[np.bool_],
    x: float,
    y: float,
    tolerance: float = 0.0,
) -> PointOutcome:
    """Compares a point (x, y) with all boxes (M, 4) of a class.

    The left and top sides of a box belong to it, the right and bottom sides do not.
    """
    left, top, right, bottom = corners.T
    horizontal = (left - tolerance <= x) & (x < right + tolerance)
    vertical = (top - tolerance <= y) & (y < bottom + tolerance)
    inside = horizontal & vertical
    if (inside & ~difficult).any():
        return "hit"
    return "difficult" if inside.any() or difficult.all() else "miss"


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
