"""An immutable, sparse table of labels in three states."""

import difflib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from largeloss.errors import LabelError

PRESENT, ABSENT, UNOBSERVED = 1, 0, -1

Ints = NDArray[np.integer[Any]]


class Counts(NamedTuple):
    """How many images have each state, a number a class; all (C,) int64."""

    present: NDArray[np.int64]
    absent: NDArray[np.int64]
    unobserved: NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class LabelTable:
    """Which labels of N images are present, absent or unobserved; only observed ones are stored.

    Row ``i`` holds ``columns[offsets[i]:offsets[i + 1]]``, ascending, with their ``states``.
    """

    offsets: Ints
    """(N + 1,)."""
    columns: Ints
    """(E,): classes of the observed entries."""
    states: NDArray[np.int8]
    """(E,): 1 present, 0 absent."""
    images: tuple[str, ...]
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        for kind, names in (("image", self.images), ("class", self.classes)):
            if len(set(names)) < len(names):
                twice = next(name for name in names if names.count(name) > 1)
                raise LabelError(f"The {kind} {twice!r} occurs twice. Names must be unique.")
        for array in (self.offsets, self.columns, self.states):
            array.flags.writeable = False

    @classmethod
    def from_dense(
        cls,
        array: ArrayLike,
        images: Sequence[str] | None = None,
        classes: Sequence[str] | None = None,
    ) -> Self:
        """From (N, C) values 1, 0 and -1 of any numeric type, or bool.

        Raises:
            LabelError: another shape or value, or names that do not fit.
        """
        dense = np.asarray(array)
        if dense.ndim != 2:
            raise LabelError(f"Labels must have shape (images, classes), got {dense.shape}.")
        known = np.isin(dense, (PRESENT, ABSENT, UNOBSERVED))
        if not known.all():
            row, column = np.argwhere(~known)[0]
            raise LabelError(
                f"Labels must be 1 (present), 0 (absent) or -1 (unobserved); row {row}, column "
                f"{column} is {dense[row, column]}. Convert another coding by name: "
                "largeloss.labels.convert(labels, coding)."
            )
        dense = dense.astype(np.int8)
        rows, columns = np.nonzero(dense >= 0)
        num_images, num_classes = dense.shape
        return cls.from_entries(
            rows,
            columns,
            dense[rows, columns],
            images=_names(images, num_images, "image"),
            classes=_names(classes, num_classes, "class"),
        )

    @classmethod
    def from_entries(
        cls,
        rows: ArrayLike,
        columns: ArrayLike,
        states: ArrayLike,
        *,
        images: Sequence[str],
        classes: Sequence[str],
    ) -> Self:
        """From observed entries in any order; equal ones are merged.

        Args:
            rows, columns: (E,) integers.
            states: (E,) of 1 and 0.
            images, classes: The names of all rows and columns.

        Raises:
            LabelError: an entry outside the table, another state, or an entry in both states.
        """
        row, column = np.asarray(rows, dtype=np.int64), np.asarray(columns, dtype=np.int64)
        state = np.asarray(states).astype(np.int8)
        num_images, num_classes = len(images), len(classes)
        if len(row) and not (
            row.min() >= 0
            and row.max() < num_images
            and column.min() >= 0
            and column.max() < num_classes
        ):
            raise LabelError(f"Entries lie outside a table of {num_images} × {num_classes}.")
        if not np.isin(state, (PRESENT, ABSENT)).all():
            raise LabelError("Observed entries must be 1 (present) or 0 (absent).")
        keys = row * num_classes + column
        if len(keys) and not (keys[1:] > keys[:-1]).all():
            order = np.argsort(keys, kind="stable")
            keys, state = keys[order], state[order]
            again = keys[1:] == keys[:-1]
            conflict = np.flatnonzero(again & (state[1:] != state[:-1]))
            if len(conflict):
                i, c = divmod(int(keys[conflict[0]]), num_classes)
                raise LabelError(
                    f"Image {images[i]!r} has class {classes[c]!r} both present and absent."
                )
            first = np.concatenate([[True], ~again])
            keys, state = keys[first], state[first]
        per_row = np.bincount(keys // max(1, num_classes), minlength=num_images)
        small = len(keys) < 2**31
        offsets: Ints = np.zeros(num_images + 1, dtype=np.int32 if small else np.int64)
        np.cumsum(per_row, out=offsets[1:])
        width = np.uint16 if num_classes <= 2**16 else np.int32
        return cls(
            offsets,
            (keys % max(1, num_classes)).astype(width),
            state,
            tuple(images),
            tuple(classes),
        )

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
        """Number of observed entries."""
        return len(self.columns)

    @property
    def is_complete(self) -> bool:
        """Whether no entry is unobserved."""
        return self.num_observed == self.num_images * self.num_classes

    def to_dense(self) -> NDArray[np.int8]:
        """(N, C) int8."""
        return self.lookup(np.arange(self.num_images))

    def lookup(
        self, rows: NDArray[np.integer[Any]], out: NDArray[np.int8] | None = None
    ) -> NDArray[np.int8]:
        """(B, C) int8 labels of the images ``rows`` (B,); ``out`` is written if given."""
        wanted: NDArray[np.int64] = np.asarray(rows, dtype=np.int64)
        dense = np.empty((len(wanted), self.num_classes), dtype=np.int8) if out is None else out
        dense.fill(UNOBSERVED)
        batch, index = self._entries_of(wanted)
        dense[batch, self.columns[index]] = self.states[index]
        return dense

    def select(self, rows: NDArray[np.integer[Any]]) -> Self:
        """A table of the images ``rows``, in that order."""
        wanted: NDArray[np.int64] = np.asarray(rows, dtype=np.int64)
        batch, index = self._entries_of(wanted)
        return self.from_entries(
            batch,
            self.columns[index],
            self.states[index],
            images=[self.images[row] for row in wanted],
            classes=self.classes,
        )

    def select_classes(self, names: Sequence[str]) -> Self:
        """A table of the classes ``names``, in that order.

        Raises:
            LabelError: there is no such class.
        """
        new = np.full(self.num_classes, -1, dtype=np.int64)
        for position, name in enumerate(names):
            if name not in self.classes:
                near = difflib.get_close_matches(name, self.classes, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {_some(self.classes)}."
                raise LabelError(f"There is no class {name!r}; {hint}")
            new[self.classes.index(name)] = position
        rows, columns, states = self.entries()
        kept = new[columns] >= 0
        return self.from_entries(
            rows[kept], new[columns[kept]], states[kept], images=self.images, classes=names
        )

    def entries(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int8]]:
        """(rows, columns, states) of the observed entries, each (E,), by row and class."""
        rows = np.repeat(np.arange(self.num_images), np.diff(self.offsets))
        return rows, self.columns.astype(np.int64), self.states

    def replace(self, rows: ArrayLike, columns: ArrayLike, states: ArrayLike) -> Self:
        """A new table in which these entries are observed as ``states`` (1 or 0)."""
        row, column = np.asarray(rows, dtype=np.int64), np.asarray(columns, dtype=np.int64)
        old_rows, old_columns, old_states = self.entries()
        keys = old_rows * self.num_classes + old_columns
        kept = ~np.isin(keys, row * self.num_classes + column)
        return self.from_entries(
            np.concatenate([old_rows[kept], row]),
            np.concatenate([old_columns[kept], column]),
            np.concatenate([old_states[kept], np.asarray(states, dtype=np.int8)]),
            images=self.images,
            classes=self.classes,
        )

    def counts(self) -> Counts:
        """Images in each state, a number a class."""
        present, absent = (
            np.bincount(self.columns[self.states == state], minlength=self.num_classes)
            for state in (PRESENT, ABSENT)
        )
        return Counts(present, absent, self.num_images - present - absent)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the content: names, entries and states."""
        digest = hashlib.sha256()
        for names in (self.images, self.classes):
            digest.update(f"{len(names)}\n".encode())
            digest.update("\0".join(names).encode("utf-8", "surrogateescape"))
        for array in (self.offsets, self.columns):
            digest.update(array.astype("<i8").tobytes())
        digest.update(self.states.tobytes())
        return digest.hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LabelTable) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        counts = self.counts()
        return (
            f"LabelTable({self.num_images} images × {self.num_classes} classes: "
            f"{counts.present.sum()} present, {counts.absent.sum()} absent, "
            f"{counts.unobserved.sum()} unobserved)"
        )

    def _entries_of(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(position in ``rows``, index into ``columns``) of every entry of these rows."""
        first = self.offsets[rows].astype(np.int64)
        lengths = self.offsets[rows + 1] - first
        batch = np.repeat(np.arange(len(rows)), lengths)
        ends = np.cumsum(lengths)
        within = np.arange(len(batch)) - np.repeat(ends - lengths, lengths)
        return batch, np.repeat(first, lengths) + within


def _names(given: Sequence[str] | None, number: int, kind: str) -> tuple[str, ...]:
    names = tuple(map(str, range(number))) if given is None else tuple(given)
    if len(names) != number:
        raise LabelError(f"{len(names)} {kind} names were given for {number}.")
    return names


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (" …" if len(names) > 8 else "")
