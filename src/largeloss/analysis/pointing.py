"""The pointing game: does the highest place of a map lie on the thing?"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from largeloss.analysis.cam import activation_maps, resized
from largeloss.data.importers.imported import Boxes
from largeloss.data.inputs.loader import Batch
from largeloss.models import Classifier

Verdict = Literal["hit", "miss", "difficult"]


@dataclass(frozen=True)
class Pointing:
    """What the game came to, over all pairs of an image and a class that is present in it."""

    classes: tuple[str, ...]
    hits: NDArray[np.int64]
    """(C,): maxima inside of a box of the class."""
    misses: NDArray[np.int64]
    """(C,): all others that were judged."""
    centre_hits: int
    centre_misses: int
    """The same for the image's centre in place of the maximum, over all classes."""
    num_without_box: int
    """Pairs that could not be judged: no box says where the class is."""
    num_difficult: int
    """Pairs left out: the maximum lies in a box that is marked difficult (VOC) or a crowd (COCO),
    or there are no others."""

    @property
    def accuracy(self) -> float | None:
        """Share of hits among all pairs (micro); None without any."""
        pairs = int(self.hits.sum() + self.misses.sum())
        return int(self.hits.sum()) / pairs if pairs else None

    @property
    def centre_accuracy(self) -> float | None:
        """Share of hits of somebody who always points at the centre; None without any pair."""
        pairs = self.centre_hits + self.centre_misses
        return self.centre_hits / pairs if pairs else None

    @property
    def mean_accuracy(self) -> float | None:
        """Mean over classes of their shares (macro); None without any pair."""
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
        """In percent, as :mod:`largeloss.experiments.published` reads it."""
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
    """Plays the game on every pair of an image and a class that its labels say is present.

    Args:
        model: Must have class activation maps.
        batches: Images with their labels (B, C).
        columns: (C,): the model's class of each class of the labels.
        classes: C names.
        boxes: Rows and columns as in the labels.
        size: Row → width and height of the original image in pixels.
        tolerance: So many pixels beside a box still count as inside.

    Raises:
        ConfigError: the model has no maps.

    Source: Zhang et al., ECCV 2016. Difficult boxes as in VOC's detection task: neither hit nor
        miss. Of equally high places, the middle: see :func:`highest`.
    """
    hits, misses = (np.zeros(len(classes), dtype=np.int64) for _ in range(2))
    centre = Counter[Verdict]()
    unboxed = difficult = 0
    for batch in batches:
        maps = activation_maps(model, batch.inputs)[:, torch.from_numpy(columns)]
        labels = batch.labels.cpu().numpy()
        for place, row in enumerate(batch.rows.tolist()):
            present = np.flatnonzero(labels[place] == 1)
            if not len(present):
                continue
            width, height = size(row)
            spread = resized(maps[place, torch.from_numpy(present)], height, width).cpu().numpy()
            first, last = np.searchsorted(boxes.rows, [row, row + 1])
            for column, large in zip(present.tolist(), spread, strict=True):
                own = np.arange(first, last)
                own = own[np.isin(boxes.columns[own], (column, -1))]
                if not len(own):
                    unboxed += 1
                    continue
                corners, hard = boxes.corners[own], boxes.difficult[own]
                verdict = judge(corners, hard, *highest(large), tolerance)
                hits[column] += verdict == "hit"
                misses[column] += verdict == "miss"
                difficult += verdict == "difficult"
                centre[judge(corners, hard, width / 2, height / 2, tolerance)] += 1
    return Pointing(classes, hits, misses, centre["hit"], centre["miss"], unboxed, difficult)


def highest(large: NDArray[np.float32]) -> tuple[float, float]:
    """(x, y): where a map (H, W) is highest, in pixels; of equally high places their middle.

    Beyond the centres of its outermost cells a resized map is level. The first of the equally high
    places would be at the edge of the image on the left and at the top, but not on the right and
    at the bottom: mirrored images would be judged otherwise.
    """
    most = large.max()
    # Where a map is level, interpolation rounds: equal is what four roundings cannot tell apart.
    rows, columns = np.nonzero(large >= most - 4 * np.finfo(large.dtype).eps * abs(most))
    return float(columns.mean()) + 0.5, float(rows.mean()) + 0.5


def judge(
    corners: NDArray[np.float32],
    difficult: NDArray[np.bool_],
    x: float,
    y: float,
    tolerance: float = 0.0,
) -> Verdict:
    """Where the point (x, y) lies, given all boxes (M, 4) that count for a class.

    A box holds its left and top sides, not its right and bottom ones.
    """
    left, top, right, bottom = corners.T
    across = (left - tolerance <= x) & (x < right + tolerance)
    down = (top - tolerance <= y) & (y < bottom + tolerance)
    inside = across & down
    if (inside & ~difficult).any():
        return "hit"
    return "difficult" if inside.any() or difficult.all() else "miss"


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
