"""A data set: inputs, their labels, and which of them serve for what."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from largeloss.data.inputs.source import Source
from largeloss.errors import ConfigError, DataError
from largeloss.labels import LabelTable, observe
from largeloss.labels.files.layouts import SPLITS

Rows = NDArray[np.int64]
NO_TEST = "There is no test split: what is called test below is val."
"""Note of a data set in which val stands in for test."""


def published_split(num_images: int) -> tuple[Rows, Rows]:
    """(train, val) positions: a fifth of the images, drawn with seed 1200, are val; both sorted.

    Source: the code of Cole et al., CVPR 2021.
    """
    num_val = round(0.2 * num_images)
    order = np.random.RandomState(1200).permutation(num_images).astype(np.int64)
    cut = num_images - num_val
    return np.sort(order[:cut]), np.sort(order[cut:])


@dataclass(frozen=True)
class Dataset:
    """Inputs with labels and splits.

    Raises:
        DataError: the inputs are more or fewer than the labels.
    """

    name: str
    source: Source
    labels: LabelTable
    """One row an input."""
    splits: Mapping[str, Rows]
    """``train``, ``val`` and ``test`` → sorted rows; ``test`` may be missing, and all but one where
    nothing is learnt. ``unused`` are the training images that are left out."""
    notes: tuple[str, ...] = ()
    """What was decided on the way, in sentences for the user."""

    def __post_init__(self) -> None:
        if len(self.source) != self.labels.num_images:
            raise DataError(
                f"{self.name} has {len(self.source)} inputs, but labels of "
                f"{self.labels.num_images} images. Needed: one input per image, in the same order."
            )

    def with_splits(self, *, needs_train: bool = True) -> Self:
        """With missing splits drawn by the published rule, and noted; train, val, test.

        Without a train split nothing is drawn.

        Raises:
            DataError: a split has no images; or there is no train split, and ``needs_train``.
        """
        splits, notes = dict(self.splits), list(self.notes)
        if "train" not in splits and (needs_train or not splits):
            raise DataError(
                f"{self.name} has no training images: its splits are "
                f"{', '.join(sorted(splits)) or 'empty'}. Mark some rows 'train'."
            )
        if set(splits) == {"train"}:
            kept, test = published_split(len(splits["train"]))
            splits["train"], splits["test"] = splits["train"][kept], splits["train"][test]
            notes.append(
                f"No split was given: {len(test)} of {len(kept) + len(test)} images, drawn with "
                "seed 1200, are the test split."
            )
        if "train" in splits and "val" not in splits:
            kept, val = published_split(len(splits["train"]))
            splits["train"], splits["val"] = splits["train"][kept], splits["train"][val]
            notes.append(
                f"No val split was given: {len(val)} of {len(kept) + len(val)} training images, "
                "drawn with seed 1200, are val (the published rule)."
            )
        if "val" in splits and "test" not in splits:
            notes.append(NO_TEST)
        for name, rows in splits.items():
            if not len(rows):
                raise DataError(
                    f"{self.name} has no images in its {name} split; it has {len(self.source)} in "
                    "all. Add images, or name the splits in a column 'split'."
                )
        ordered = {name: splits[name] for name in (*SPLITS, *splits) if name in splits}
        return replace(self, splits=ordered, notes=tuple(notes))

    def with_classes(self, names: Sequence[str] | None) -> Self:
        """With these classes alone, in this order; with all of them for None.

        Raises:
            LabelError: one is unknown or repeated.
        """
        if names is None:
            return self
        return replace(self, labels=self.labels.select_classes(tuple(names)))

    def observed(self, rule: str, seed: int = 1200) -> Self:
        """With labels of train and val hidden by ``rule``, see :func:`largeloss.labels.observe`.

        Train and val are hidden together, in the order of the data set, as in the published code,
        which divides them afterwards; test stays as it is.
        """
        rows = np.sort(np.concatenate([self.splits["train"], self.splits["val"]]))
        hidden = observe(self.labels.select(rows), rule, seed)
        outside = np.ones(self.labels.num_images, dtype=bool)
        outside[rows] = False
        old, new = self.labels.entries(), hidden.entries()
        kept = outside[old[0]]
        table = LabelTable.from_entries(
            np.concatenate([old[0][kept], rows[new[0]]]),
            np.concatenate([old[1][kept], new[1]]),
            np.concatenate([old[2][kept], new[2]]),
            images=self.labels.images,
            classes=self.labels.classes,
        )
        return replace(self, labels=table)

    def with_train_share(self, share: float, seed: int = 1200) -> Self:
        """With ``share`` of the training images in train, and the others in a split ``unused``.

        The images of a smaller share are among those of a larger one with the same seed.

        Raises:
            ConfigError: a share outside (0, 1], or of less than one image.
        """
        if share == 1:
            return self
        rows = self.splits["train"]
        num_kept = round(share * len(rows)) if 0 < share < 1 else 0
        if not num_kept:
            raise ConfigError(
                f"data.train_share must keep at least one of the {len(rows)} training images, and "
                f"at most all (1), but is {share:g}."
            )
        order = np.random.RandomState(seed).permutation(len(rows))
        kept, left = np.sort(order[:num_kept]), np.sort(order[num_kept:])
        note = f"Of {len(rows)} training images {num_kept} are trained on, drawn with seed {seed}."
        splits = {**self.splits, "train": rows[kept], "unused": rows[left]}
        return replace(self, splits=splits, notes=(*self.notes, note))

    @property
    def fingerprint(self) -> str:
        """SHA-256 of labels and splits."""
        digest = hashlib.sha256(self.labels.fingerprint.encode())
        for name in sorted(self.splits):
            digest.update(name.encode() + self.splits[name].astype("<i8").tobytes())
        return digest.hexdigest()

    def rows(self, split: str) -> Rows:
        """The rows of a split; val stands in for a missing test split.

        Raises:
            DataError: there is no such split.
        """
        if split == "test" and "test" not in self.splits:
            split = "val"
        if split not in self.splits:
            raise DataError(
                f"There is no split {split!r} in {self.name}; there are "
                f"{', '.join(sorted(self.splits))}."
            )
        return self.splits[split]

    def only(self, kept: NDArray[np.bool_], note: str) -> Self:
        """Without the rows where ``kept`` (N,) is false; row numbers stay as they are."""
        splits = {name: rows[kept[rows]] for name, rows in self.splits.items()}
        for name, rows in splits.items():
            if not len(rows):
                raise DataError(f"Not one image of the {name} split of {self.name} can be read.")
        return replace(self, splits=splits, notes=(*self.notes, note))
