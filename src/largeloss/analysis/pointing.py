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
    def shares(self) -> tuple[float, ...]:
        """Share of hits of each class that has a pair."""
        counts = zip(self.hits.tolist(), self.misses.tolist(), strict=True)
        return tuple(hits / (hits + misses) for hits, misses in counts if hits + misses)

    def as_json(self) -> dict[str, Any]:
        """As in ``analysis/pointing.json``; ``accuracy`` is over all pairs (micro).

        ``mean_accuracy`` is the mean over classes (macro), ``centre_accuracy`` that of the image
        centre, over all pairs. All are in percent, and None without any pair.
        """
        hits, misses, shares = self.hits.tolist(), self.misses.tolist(), self.shares
        return {
            "accuracy": _percent(sum(hits), sum(misses)),
            "mean_accuracy": 100 * (sum(shares) / len(shares)) if shares else None,
            "centre_accuracy": _percent(self.centre_hits, self.centre_misses),
            "num_pairs": sum(hits) + sum(misses),
            "num_without_box": self.num_without_box,
            "num_difficult": self.num_difficult,
            "classes": {
                name: {"accuracy": _percent(own, other), "num_pairs": own + other}
                for name, own, other in zip(self.classes, hits, misses, strict=True)
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

    The ``batches`` have labels (B, C), and ``boxes`` their rows and columns. For each of their
    ``classes``, ``columns`` (C,) has the position among the model's classes. ``size`` gives width
    and height of the original image of a row in pixels. A point at most ``tolerance`` pixels
    outside of a box still counts as inside.

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


def _percent(hits: int, misses: int) -> float | None:
    return 100 * (hits / (hits + misses)) if hits + misses else None
