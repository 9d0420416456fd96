"""What a reader makes of a collection, before a data folder is written of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from largeloss.data.dataset import Rows
from largeloss.data.folder.boxes import Boxes
from largeloss.errors import DataError
from largeloss.labels import LabelTable


class Subset(NamedTuple):
    """n images that are published together, such as the train list, and their labels."""

    images: Sequence[str]
    """n names, as in the table."""
    labels: NDArray[np.int8]
    """(n, C): 1 present, 0 absent, -1 unobserved."""
    boxes: Boxes | None = None
    """With rows from 0 to n - 1, in any order."""

    def labelled(self, title: str, label: str) -> tuple[Self, list[str]]:
        """Without the images that have not one present label, and a note where there are any.

        Raises:
            DataError: no image has a present label.
        """
        kept = np.asarray((self.labels == 1).any(axis=1))
        images = [self.images[row] for row in np.flatnonzero(kept).tolist()]
        if not images:
            raise DataError(f"No image of {title} has any {label}; needed is one. Fetch it again.")
        if len(images) == len(kept):
            return self, []
        boxes = None if self.boxes is None else self.boxes.of_images(kept)
        note = (
            f"{len(kept) - len(images)} of {len(kept)} images of {title} have no {label} and are "
            "left out."
        )
        return self._replace(images=images, labels=self.labels[kept], boxes=boxes), [note]


@dataclass(frozen=True)
class Imported:
    """A collection as its official release, or its user, describes it."""

    name: str
    """As on the command line: ``voc2012``."""
    table: LabelTable
    """Labels of every image, in the order that the published protocol prescribes (training images
    first). Images are named by their path under ``image_root``, with slashes."""
    splits: Mapping[str, Rows]
    """``train`` and ``test`` (and ``val`` where the release has one that is used as such): sorted
    rows. The published protocol takes val out of train afterwards."""
    image_root: Path | None = None
    """The folder that the images' names start from; None where inputs are features."""
    features: NDArray[np.float32] | None = None
    """(N, D), in place of images."""
    boxes: Boxes | None = None
    published: Mapping[str, int] = field(default_factory=dict)
    """Published sizes to compare with: ``train``, ``test``, ``classes``; a difference is reported,
    and is no error."""
    notes: tuple[str, ...] = ()
    """What was found and decided on the way, in sentences for the user."""

    @classmethod
    def of_subsets(
        cls, subsets: Mapping[str, Subset], classes: Sequence[str], where: object, **rest: Any
    ) -> Self:
        """One collection of the subsets, one after another; each is a split.

        ``where`` they come from is for messages; ``rest`` are the other fields.

        Raises:
            DataError: an image is in two of them.
        """
        splits: dict[str, Rows] = {}
        split_of: dict[str, str] = {}
        boxes = []
        for name, subset in subsets.items():
            if both := split_of.keys() & set(subset.images):
                raise DataError(
                    f"{where}: {len(both)} images are both in {split_of[min(both)]} and in {name}, "
                    f"for example {min(both)!r}. Each image belongs to one split; correct the "
                    "lists, or fetch them again."
                )
            splits[name] = np.arange(len(subset.images), dtype=np.int64) + len(split_of)
            if subset.boxes is not None and len(subset.boxes.rows):
                boxes.append(subset.boxes._replace(rows=subset.boxes.rows + len(split_of)))
            split_of |= dict.fromkeys(subset.images, name)
        labels = np.concatenate([subset.labels for subset in subsets.values()])
        table = LabelTable.from_dense(labels, split_of, classes)
        joined = Boxes.concatenated(boxes) if boxes else None
        return cls(table=table, splits=splits, boxes=joined, **rest)

    @property
    def sizes(self) -> str:
        """Sizes beside the published ones, in a sentence."""
        found = {name: len(rows) for name, rows in self.splits.items()}
        found["classes"] = self.table.num_classes
        listed = ", ".join(
            f"{size:,} {name}"
            + (f" (published: {self.published[name]:,})" if name in self.published else "")
            for name, size in found.items()
        )
        differ = [name for name, size in self.published.items() if found.get(name) != size]
        end = f" Different from the published: {', '.join(differ)}." if differ else ""
        return f"{self.name}: {listed}.{end}"

    def without(self, rows: Sequence[int], note: str) -> Self:
        """Without the images ``rows``; the others keep their order.

        Raises:
            DataError: nothing would be left of a split.
        """
        kept = np.ones(self.table.num_images, dtype=np.bool_)
        kept[list(rows)] = False
        renumbered = np.cumsum(kept, dtype=np.int64) - 1
        splits = {name: renumbered[own[kept[own]]] for name, own in self.splits.items()}
        for name, own in splits.items():
            if not len(own):
                raise DataError(
                    f"Not one image of the {name} split of {self.name} can be used.\n{note}"
                )
        return replace(
            self,
            table=self.table.select(np.flatnonzero(kept)),
            splits=splits,
            features=None if self.features is None else self.features[kept],
            boxes=None if self.boxes is None else self.boxes.of_images(kept),
            notes=(*self.notes, note),
        )
