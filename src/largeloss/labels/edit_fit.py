"""Whether edits fit a label table: which of them change it, and why the others do not."""

from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from largeloss.labels.edits import LabelEdits
from largeloss.labels.entries import Ints, States
from largeloss.labels.table import LabelTable


class Verdict(StrEnum):
    """Of an edit and a table."""

    FITS = "fits"
    ALREADY = "already so"
    OTHER = "the label is not what it was when the edit was made"
    CONFLICT = "people disagree"
    NO_IMAGE = "no such image"
    NO_CLASS = "no such class"
    NO_WORD = "this layout has no word for it (a copy by 'largeloss labels export --to wide' has)"


class Fit(NamedTuple):
    """What M edits do to a table, entry by entry: K entries change."""

    verdicts: NDArray[np.object_]
    """(M,) a :class:`Verdict` each; all edits of an entry have the same."""
    rows: Ints
    """(K,)"""
    columns: Ints
    """(K,)"""
    states: States
    """(K,) what the entries become."""


def fit(table: LabelTable, edits: LabelEdits, wordless: States | None = None) -> Fit:
    """The last edit of an entry decides; what the table says must be what one of them changed.

    Nothing is decided where people disagree: see :func:`conflicts`. ``wordless`` (N,) is the state
    that cannot be written of each image.
    """
    rows, columns = edits.places(table)
    verdicts = np.full(len(edits), Verdict.FITS, dtype=object)
    verdicts[columns < 0] = Verdict.NO_CLASS
    verdicts[rows < 0] = Verdict.NO_IMAGE
    disputed = conflicts(edits)
    known = np.flatnonzero((rows >= 0) & (columns >= 0))
    keys = rows[known] * table.num_classes + columns[known]
    order = known[np.argsort(keys, kind="stable")]
    keys = np.sort(keys)
    begins = np.flatnonzero(np.diff(keys, prepend=-1))
    lengths = np.diff(np.append(begins, len(keys)))
    last = order[begins + lengths - 1] if len(begins) else order
    now, target = table.at(rows[last], columns[last]), edits.after[last]
    groups = [np.repeat(one, lengths) for one in (now, target)]
    changed = edits.before[order] == groups[0]
    expected = np.logical_or.reduceat(changed, begins) if len(begins) else changed
    found = np.full(len(last), Verdict.OTHER, dtype=object)
    found[expected] = Verdict.FITS
    if wordless is not None:
        found[expected & (target == wordless[rows[last]])] = Verdict.NO_WORD
    found[now == target] = Verdict.ALREADY
    found[disputed[last]] = Verdict.CONFLICT
    verdicts[order] = np.repeat(found, lengths)
    chosen = last[found == Verdict.FITS]
    return Fit(verdicts, rows[chosen], columns[chosen], edits.after[chosen])


def by_people(edits: LabelEdits) -> NDArray[np.bool_]:
    """(M,) which edits are somebody's word (``reviewer:anna``), and not a method's (``ll-cp``)."""
    return np.array([":" in author for author in edits.author], dtype=bool)


REVIEWERS = "reviewer"


def written_by(edits: LabelEdits, author: str) -> NDArray[np.bool_]:
    """(M,) which edits are of ``author``.

    ``reviewer`` (or ``review``) stands for all reviewers, ``import`` for all files.
    """
    author = REVIEWERS if author == "review" else author
    names = {
        name: name == author or name.startswith(f"{author}:") for name in set(edits.author.tolist())
    }
    return np.array([names[name] for name in edits.author], dtype=bool)


def conflicts(edits: LabelEdits) -> NDArray[np.bool_]:
    """(M,) edits of entries that people's last words leave with different labels."""
    keys = edits.rows * max(1, len(edits.classes)) + edits.columns
    people = np.flatnonzero(by_people(edits))
    words: dict[tuple[int, str], int] = {}
    for key, author, after in zip(
        keys[people].tolist(), edits.author[people], edits.after[people].tolist(), strict=True
    ):
        words[key, author] = after
    first: dict[int, int] = {}
    disputed = {key for (key, _), after in words.items() if first.setdefault(key, after) != after}
    return np.isin(keys, list(disputed))
