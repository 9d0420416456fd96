"""What the page is told of classes and entries, as plain values for JSON."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from largeloss.review.session import Review
from largeloss.review.standing import Place


def class_record(review: Review, column: int, reviewer: str) -> dict[str, Any]:
    """A class: its progress, what is open to a reviewer, what may be expected of it, its audit."""
    with review.reading:
        tally, audited = review.standing.tally(column), review.audited(column)
        answered = review.standing.places(column, reviewer)
        unaudited = _unaudited(review, column, reviewer)
        outlook = tally.outlook()
        return {
            "column": column,
            "name": review.classes[column],
            "learnt": review.is_learnt(column),
            "suggestions": tally.size,
            "answered": len(tally.latest),
            "open": {
                "suggestions": review.queue.size(column) - len(answered),
                "audit": len(unaudited),
            },
            **tally.counts,
            "precision": tally.precision,
            "recent_precision": tally.recent_precision,
            "expected": None if outlook is None else outlook.expected,
            "worth": None if outlook is None else outlook.worth,
            "audit": {
                "sampled": audited.sampled,
                "answered": audited.answered,
                "present": audited.present,
                "unsure": audited.unsure,
                "low": audited.low if audited.answered else None,
                "high": audited.high if audited.answered else None,
                "estimate": audited.estimate,
            },
        }


def suggested_entries(
    review: Review, column: int, reviewer: str, wanted: range, only_open: bool
) -> dict[str, Any]:
    """Entries of the queue, best first."""
    size = review.queue.size(column)
    with review.reading:
        answered = np.array(sorted(review.standing.places(column, reviewer)), np.int64)
    left = size - len(answered)
    places = np.arange(wanted.start, min(wanted.stop, left if only_open else size))
    if only_open:
        before = answered - np.arange(len(answered))  # open places before each answered one
        places = places + np.searchsorted(before, places, side="right")
    return {
        "total": size,
        "open": left,
        "start": wanted.start,
        "entries": [
            _entry(
                review, review.queue.row(column, place), column, reviewer, "suggestions", place + 1,
                review.queue.score(column, place),
            )
            for place in places.tolist()
        ],
    }  # fmt: skip


def sampled_entries(
    review: Review, column: int, reviewer: str, wanted: range, only_open: bool
) -> dict[str, Any]:
    """Entries of the audit's sample, in the order in which they were drawn."""
    rows = review.sample.rows[column]
    with review.reading:
        left = _unaudited(review, column, reviewer)
    places: Sequence[int] = left if only_open else range(len(rows))
    return {
        "total": len(rows),
        "open": len(left),
        "start": wanted.start,
        "entries": [
            _entry(review, rows[place], column, reviewer, "audit", place + 1, None)
            for place in places[wanted.start : wanted.stop]
        ],
    }


def _unaudited(review: Review, column: int, reviewer: str) -> list[int]:
    """Places in the sample of a class that a reviewer has not answered in the audit."""
    return [
        place
        for place, row in enumerate(review.sample.rows[column])
        if not review.standing.audited((row, column), reviewer)
    ]


def _entry(
    review: Review, row: int, column: int, reviewer: str, mode: str, rank: int, score: float | None
) -> dict[str, Any]:
    return {
        "row": row,
        "column": column,
        "image": review.names[row],
        "rank": rank,
        "score": score,
        "state": -1,
        "answer": word_of(review, (row, column), reviewer, mode),
        "flagged": review.is_flagged(reviewer, row),
        "others": others_of(review, (row, column), reviewer),
    }


def word_of(review: Review, place: Place, reviewer: str, mode: str) -> str | None:
    """What a reviewer said of an entry, if anything.

    In the audit only answers of the audit count, so that it asks every entry in the order in which
    it was drawn: suggestions are the likely ones, and an audit that leaves those for later sees too
    few tags until its end.
    """
    if mode == "audit" and not review.standing.audited(place, reviewer):
        return None
    word = review.standing.answer(place, reviewer)
    return None if word is None else word.answer


def others_of(review: Review, place: Place, reviewer: str) -> list[dict[str, str]]:
    """What the others said of it."""
    words = review.standing.others(place, reviewer)
    return [{"reviewer": word.reviewer, "answer": word.answer} for word in words]
