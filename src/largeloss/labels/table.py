"""The label table: the observed labels of every image, as sparse rows."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from largeloss.errors import LabelError
from largeloss.labels.dense import dense_states
from largeloss.labels.entries import (
    Entries,
    Ints,
    States,
    check_range,
    checked_entries,
    column_type,
    find_conflict,
    fit_together,
    gather,
    offsets_of,
    sort_and_merge,
    sparse_rows,
)
from largeloss.labels.names import checked_names, positions_of, suggestion

PRESENT, ABSENT, UNOBSERVED = 1, 0, -1


class Counts(NamedTuple):
    """How many images each class has in each state: int64 arrays of shape (C,)."""

    present: Ints
    absent: Ints
    unobserved: Ints


@dataclass(frozen=True, eq=False, repr=False)
class LabelTable:
    """Labels of N images for C classes; immutable. Built by ``from_dense`` or ``from_entries``.

    Only observed entries are stored: 3.4 million images × 5,000 classes with 15 million entries
    take 73 MB beside the names.

    Shapes: offsets (N + 1,) int64, where each image's entries begin; columns (M,) uint16, or int32
        beyond 65,535 classes, ascending inside an image; states (M,) int8, 1 or 0. The arrays are
        taken over and made read-only.
    Raises: LabelError where the arrays do not fit together, or a name is empty or occurs twice.
    """

    offsets: Ints
    columns: NDArray[np.uint16] | NDArray[np.int32] | Ints
    states: States
    classes: tuple[str, ...]
    images: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", checked_names(self.classes, "class"))
        object.__setattr__(self, "images", checked_names(self.images, "image"))
        if not fit_together(self.offsets, self.columns, self.states, self.shape):
            raise LabelError(
                "Offsets, columns and states do not make up a label table. Build it with "
                "LabelTable.from_dense or LabelTable.from_entries."
            )
        narrow = column_type(self.num_classes)
        for name, dtype in (("offsets", np.int64), ("columns", narrow), ("states", np.int8)):
            array = np.ascontiguousarray(getattr(self, name), dtype=dtype)
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    @classmethod
    def from_dense(
        cls, array: Any, images: Iterable[str] | None = None, classes: Iterable[str] | None = None
    ) -> Self:
        """A table of ``array`` (N, C), an array or tensor of any number type: 1, 0 and -1.

        Args:
            array: The labels.
            images: N names; by default ``"0"``, ``"1"``, …
            classes: C names; by default ``"0"``, ``"1"``, …

        Raises:
            LabelError: another shape or value (row, column and value are named), or names that
                do not fit.
        """
        dense = dense_states(array)
        return cls(
            *sparse_rows(dense),
            _names(classes, dense.shape[1], "class"),
            _names(images, dense.shape[0], "image"),
        )

    @classmethod
    def from_entries(
        cls,
        rows: ArrayLike,
        columns: ArrayLike,
        states: ArrayLike,
        *,
        images: Iterable[str],
        classes: Iterable[str],
    ) -> Self:
        """A table of observed entries in any order; equal duplicates are merged.

        Shapes: rows, columns (M,) whole numbers; states (M,), 1 or 0.
        Raises: LabelError for a row, column or state out of range, and for an entry that is given
            both as present and as absent; the message names image and class.
        """
        images, classes = tuple(images), tuple(classes)
        shape = (len(images), len(classes))
        entries = checked_entries(rows, columns, states, shape, (ABSENT, PRESENT))
        keys = entries.rows * len(classes) + entries.columns
        return cls._from_keys(keys, entries.states, images, classes)

    @classmethod
    def _from_keys(
        cls, keys: Ints, states: States, images: tuple[str, ...], classes: tuple[str, ...]
    ) -> Self:
        width = max(1, len(classes))
        merged, merged_states = sort_and_merge(keys, states)
        if (merged[1:] == merged[:-1]).any() and (pair := find_conflict(keys, states)):
            row, column = divmod(int(keys[pair[0]]), width)
            raise LabelError(
                f"Image {images[row]!r}, class {classes[column]!r} is given both as present and "
                f"as absent, in entries {pair[0]} and {pair[1]}. Keep one of them."
            )
        rows, columns = np.divmod(merged, width)
        return cls(offsets_of(rows, len(images)), columns, merged_states, classes, images)

    @property
    def num_images(self) -> int:
        """N."""
        return len(self.images)

    @property
    def num_classes(self) -> int:
        """C."""
        return len(self.classes)

    @property
    def shape(self) -> tuple[int, int]:
        """(N, C)."""
        return self.num_images, self.num_classes

    @property
    def num_observed(self) -> int:
        """M, the number of entries that are 1 or 0."""
        return len(self.states)

    @property
    def is_complete(self) -> bool:
        """Whether no entry is unobserved."""
        return self.num_observed == self.num_images * self.num_classes

    def to_dense(self) -> States:
        """(N, C) int8: 1 present, 0 absent, -1 unobserved."""
        return self.lookup(np.arange(self.num_images))

    def lookup(self, rows: ArrayLike) -> States:
        """(B, C) int8 labels of the images ``rows`` (B,), in their order; rows may repeat.

        Raises: LabelError for a row out of range.
        """
        chosen = self._checked_rows(rows)
        dense = np.full((len(chosen), self.num_classes), UNOBSERVED, dtype=np.int8)
        lengths, positions = gather(self.offsets, chosen)
        begins = np.arange(len(chosen)) * self.num_classes
        places = np.repeat(begins, lengths) + self.columns[positions]
        dense.reshape(-1)[places] = self.states[positions]
        return dense

    def at(self, rows: ArrayLike, columns: ArrayLike) -> States:
        """(M,) int8 states of single entries, -1 where unobserved.

        Raises: LabelError for a row or column out of range.
        """
        wanted = checked_entries(rows, columns, UNOBSERVED, self.shape, (UNOBSERVED,))
        keys, own = wanted.rows * self.num_classes + wanted.columns, self._keys()
        if not own.size:
            return wanted.states
        nearest = np.minimum(np.searchsorted(own, keys), own.size - 1)
        return np.where(own[nearest] == keys, self.states[nearest], wanted.states)

    def select(self, rows: ArrayLike) -> Self:
        """The images ``rows`` (B,) in that order; LabelError for one out of range or repeated."""
        chosen = self._checked_rows(rows)
        lengths, positions = gather(self.offsets, chosen)
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        images = tuple(self.images[row] for row in chosen.tolist())
        columns, states = self.columns[positions], self.states[positions]
        return type(self)(offsets, columns, states, self.classes, images)

    def select_classes(self, names: Sequence[str]) -> Self:
        """The classes ``names`` in that order; LabelError for one that is unknown or repeated."""
        classes = checked_names(names, "class")
        known = set(self.classes)
        if unknown := [name for name in classes if name not in known]:
            raise LabelError(f"Unknown class {unknown[0]!r}.{suggestion(unknown[0], self.classes)}")
        entries = self.entries()
        columns = positions_of(self.classes, classes)[entries.columns]
        kept = columns >= 0
        keys = entries.rows[kept] * len(classes) + columns[kept]
        return self._from_keys(keys, entries.states[kept], self.images, classes)

    def counts(self) -> Counts:
        """How many images are present, absent and unobserved, for each class."""
        chosen = [self.columns[self.states == state] for state in (PRESENT, ABSENT)]
        present, absent = (np.bincount(one, minlength=self.num_classes) for one in chosen)
        return Counts(present, absent, self.num_images - present - absent)

    def entries(self) -> Entries:
        """(rows, columns, states) of the observed entries, by image and then by class."""
        rows = np.repeat(np.arange(self.num_images), np.diff(self.offsets))
        return Entries(rows, self.columns.astype(np.int64), self.states)

    def replace(self, rows: ArrayLike, columns: ArrayLike, states: ArrayLike) -> Self:
        """A new table in which these entries (M,) are 1, 0 or -1; the others stay as they are.

        Raises: LabelError for a row, column or state out of range, and for an entry that is given
            twice with different states.
        """
        new = checked_entries(rows, columns, states, self.shape, (UNOBSERVED, ABSENT, PRESENT))
        keys, own = new.rows * self.num_classes + new.columns, self._keys()
        # One conflict check for all three states: present or absent, then observed or not.
        observed = new.states != UNOBSERVED
        mixed = find_conflict(keys, observed.astype(np.int8))
        if mixed is not None:
            image, name = self.images[new.rows[mixed[0]]], self.classes[new.columns[mixed[0]]]
            raise LabelError(
                f"Image {image!r}, class {name!r} is given both as observed and as unobserved, in "
                f"entries {mixed[0]} and {mixed[1]}. Keep one of them."
            )
        kept = ~np.isin(own, keys)
        return self._from_keys(
            np.concatenate([own[kept], keys[observed]]),
            np.concatenate([self.states[kept], new.states[observed]]),
            self.images,
            self.classes,
        )

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256, in hex, of names and labels; independent of how wide the arrays are."""
        digest = hashlib.sha256(json.dumps([self.shape, self.classes, self.images]).encode())
        for array, dtype in ((self.offsets, "<i8"), (self.columns, "<i4"), (self.states, "i1")):
            digest.update(np.ascontiguousarray(array, dtype=dtype).data)
        return digest.hexdigest()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LabelTable):
            return NotImplemented
        _, ours = self.__reduce__()
        _, theirs = other.__reduce__()
        return all(map(np.array_equal, ours[:3], theirs[:3])) and ours[3:] == theirs[3:]

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __reduce__(self) -> tuple[Any, ...]:
        # Unpickled or copied arrays would be writeable again.
        return type(self), (self.offsets, self.columns, self.states, self.classes, self.images)

    def __repr__(self) -> str:
        return (
            f"LabelTable({self.num_images} images × {self.num_classes} classes, "
            f"{self.num_observed} observed)"
        )

    def _keys(self) -> Ints:
        entries = self.entries()
        return entries.rows * self.num_classes + entries.columns

    def _checked_rows(self, rows: ArrayLike) -> Ints:
        chosen = np.asarray(rows)
        if chosen.ndim != 1:
            raise LabelError(f"Rows must be in one dimension, got the shape {chosen.shape}.")
        check_range(chosen, range(self.num_images), "row")
        return chosen.astype(np.int64, copy=False)


def _names(names: Iterable[str] | None, length: int, kind: str) -> tuple[str, ...]:
    given = tuple(map(str, range(length))) if names is None else tuple(names)
    if len(given) != length:
        raise LabelError(f"The labels need {length} {kind} names, got {len(given)}.")
    return given
