"""The audit: a random sample of the unobserved entries of each class, and what its answers say.

The sample is drawn once, and kept. Which of its entries count is decided by answers given in the
audit alone: entries that were answered since they were suggested are not a random choice.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from largeloss.errors import RunError
from largeloss.files import checksummed_json, read_text, verified_json, write_text
from largeloss.labels import LabelTable
from largeloss.labels.audit import Audit, Audited
from largeloss.metrics.finite_share import Share, Stratum, finite_share, stratified_share
from largeloss.review.standing import Standing

SEED = 1200
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows of each class, in the order in which they were drawn."""

    rows: tuple[tuple[int, ...], ...]
    """C."""
    populations: tuple[int, ...]
    """(C,): unobserved training entries of each class."""

    @cached_property
    def _places(self) -> tuple[dict[int, int], ...]:
        """Row → place, of each class."""
        return tuple({row: place for place, row in enumerate(rows)} for rows in self.rows)

    def place(self, column: int, row: int) -> int | None:
        """Where a row stands in the sample of a class; None where it does not."""
        return self._places[column].get(row)


def open_sample(
    path: Path, table: LabelTable, train: Ints, per_class: int, fingerprint: str
) -> Sample:
    """The sample that is kept in ``path``; drawn now where there is none of these labels.

    Of a sample that is kept, what can no longer be drawn is left out; further entries are drawn
    where it has fewer than ``per_class``.

    Args:
        path: A JSON file.
        table: What the method was shown.
        train: Rows that can be drawn.
        per_class: Entries of each class, or all where a class has fewer.
        fingerprint: Of the labels.

    Raises:
        RunError: the file is damaged, or cannot be written.
    """
    kept = _kept(path, table, fingerprint)
    rows, populations = [], []
    observed = _observed_by_class(table)
    for column in range(table.num_classes):
        free = np.ones(table.num_images, dtype=bool)
        free[observed[column]] = False
        own = train[free[train]]
        populations.append(len(own))
        known = np.array(kept[column] if kept else [], np.int64)
        before = known[np.isin(known, own)].tolist()
        missing = min(per_class, len(own)) - len(before)
        if missing > 0:
            stream = np.random.default_rng([SEED, column, len(before)])
            left = own[~np.isin(own, before)]
            before = [*before, *stream.choice(left, missing, replace=False).tolist()]
        rows.append(tuple(before))
    if kept is None or [list(one) for one in rows] != kept:
        named = {name: list(one) for name, one in zip(table.classes, rows, strict=True)}
        content = {"labels": fingerprint, "seed": SEED, "rows": list(named.values())}
        write_text(path, checksummed_json(content))
    return Sample(tuple(rows), tuple(populations))


def audit(classes: tuple[str, ...], sample: Sample, standing: Standing) -> Audit:
    """What the answers to the sample say of all unobserved entries."""
    strata = [_stratum(sample, standing, column) for column in range(len(classes))]
    by_class = [
        _audited(stratum, len(rows), finite_share(stratum))
        for stratum, rows in zip(strata, sample.rows, strict=True)
    ]
    used = [one for one in strata if one.answered]
    together = Stratum(
        *(
            sum(getattr(one, name) for one in used)
            for name in ("population", "present", "absent", "unsure")
        )
    )
    sampled = sum(one.sampled for one in by_class if one.answered)
    overall = _audited(together, sampled, stratified_share(used))
    return Audit(classes, tuple(by_class), overall)


def audit_of_class(sample: Sample, standing: Standing, column: int) -> Audited:
    """The same of one class."""
    stratum = _stratum(sample, standing, column)
    return _audited(stratum, len(sample.rows[column]), finite_share(stratum))


def _stratum(sample: Sample, standing: Standing, column: int) -> Stratum:
    counts = {"yes": 0, "no": 0, "unsure": 0}
    for row in sample.rows[column]:
        if standing.audited((row, column)):
            said = {one.answer for one in standing.last((row, column))} - {"unsure"}
            counts[said.pop() if len(said) == 1 else "unsure"] += 1
    return Stratum(sample.populations[column], counts["yes"], counts["no"], counts["unsure"])


def _audited(stratum: Stratum, sampled: int, share: Share) -> Audited:
    return Audited(
        stratum.population, sampled, stratum.answered, stratum.present, stratum.unsure,
        share.estimate, share.low, share.high,
    )  # fmt: skip


def _observed_by_class(table: LabelTable) -> list[Ints]:
    entries = table.entries()
    order = np.argsort(entries.columns, kind="stable")
    ends = np.cumsum(np.bincount(entries.columns, minlength=table.num_classes))
    return np.split(entries.rows[order], ends[:-1])


def _kept(path: Path, table: LabelTable, fingerprint: str) -> list[list[int]] | None:
    """The rows of each class; None where nothing is kept, or it is of other labels."""
    if not path.exists():
        return None
    try:
        content: dict[str, Any] = verified_json(read_text(path))
        rows = [[int(row) for row in one] for one in content["rows"]]
        if content["labels"] != fingerprint:
            return None
        if len(rows) != table.num_classes or any(
            not 0 <= row < table.num_images for one in rows for row in one
        ):
            raise ValueError("its rows are not those of the labels")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{path} cannot be read ({error}). Restore it, or remove it: another sample is then "
            "drawn, and what was answered of this one no longer counts."
        ) from None
    return rows
