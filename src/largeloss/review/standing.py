"""The answers that stand, in memory: looked up by entry, and counted by class."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import numpy as np

from largeloss.labels.answers import WORDS
from largeloss.review.outlook import BINS, Outlook, bin_of, bin_sizes, outlook
from largeloss.review.queue import Queue

RECENT = 50
"""Answers that the recent precision is of."""
Place = tuple[int, int]
"""Row and column of an entry."""


class Word(NamedTuple):
    """What a reviewer said of an entry."""

    number: int
    reviewer: str
    answer: str
    mode: str


@dataclass
class Tally:
    """The suggestions of one class: the latest answer to each, by anybody."""

    size: int
    latest: dict[int, tuple[str, int]] = field(default_factory=dict)
    """Row → answer and bin of its rank, in the order of the answers."""
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WORDS, 0))
    _bins: dict[str, np.ndarray] = field(
        default_factory=lambda: {word: np.zeros(BINS, np.int64) for word in WORDS}
    )

    _elsewhere: dict[int, int] = field(
        default_factory=dict
    )  # row → bin: answered in the audit alone

    def set(self, row: int, answer: str | None, rank: int, audited: bool) -> None:
        """Replaces the answers to a row; None where there are none, but maybe in the audit."""
        place = bin_of(rank)
        self._elsewhere.pop(row, None)
        before = self.latest.pop(row, None)
        if before is not None:
            self.counts[before[0]] -= 1
            self._bins[before[0]][before[1]] -= 1
        if answer is not None:
            self.latest[row] = answer, place
            self.counts[answer] += 1
            self._bins[answer][place] += 1
        elif audited:
            self._elsewhere[row] = place

    @property
    def precision(self) -> float | None:
        """Share of yes among the suggestions answered yes or no; None without any."""
        decided = self.counts["yes"] + self.counts["no"]
        return self.counts["yes"] / decided if decided else None

    @property
    def recent_precision(self) -> float | None:
        """The same of the last :data:`RECENT` answers."""
        decided = (one for one, _ in reversed(self.latest.values()) if one != "unsure")
        recent = list(islice(decided, RECENT))
        return recent.count("yes") / len(recent) if recent else None

    def outlook(self) -> Outlook | None:
        """What is to be expected of the suggestions without any answer."""
        yes, no, unsure = (self._bins[word] for word in WORDS)
        elsewhere = np.bincount(np.array([*self._elsewhere.values()], np.int64), minlength=BINS)
        return outlook(yes, no, bin_sizes(self.size) - yes - no - unsure - elsewhere)


class Standing:
    """All answers that stand; every change costs the same, however many there are."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._words: dict[Place, list[Word]] = {}
        self._tallies: dict[int, Tally] = {}
        self._places: dict[tuple[str, int], set[int]] = defaultdict(set)
        self._agree: dict[Place, bool] = {}
        self.reviewers: dict[str, None] = {}

    def add(self, place: Place, word: Word) -> None:
        """A new answer, the latest of all."""
        self.reviewers[word.reviewer] = None
        self._words.setdefault(place, []).append(word)
        self._changed(place, word.reviewer)

    def remove(self, place: Place, number: int) -> None:
        """Takes an answer back."""
        words = self._words.get(place, [])
        for word in [one for one in words if one.number == number]:
            words.remove(word)
            self._changed(place, word.reviewer)
        if not words:
            self._words.pop(place, None)

    def answer(self, place: Place, reviewer: str) -> Word | None:
        """What a reviewer said last of an entry."""
        own = [one for one in self._words.get(place, ()) if one.reviewer == reviewer]
        return own[-1] if own else None

    def others(self, place: Place, reviewer: str) -> list[Word]:
        """What the others said last of an entry, each reviewer once."""
        return [one for one in self.last(place) if one.reviewer != reviewer]

    def last(self, place: Place) -> list[Word]:
        """What each reviewer said last of an entry."""
        return list({one.reviewer: one for one in self._words.get(place, ())}.values())

    def audited(self, place: Place, reviewer: str | None = None) -> bool:
        """Whether the entry was answered in an audit, by a reviewer or by anybody."""
        return any(
            one.mode == "audit" and reviewer in (None, one.reviewer)
            for one in self._words.get(place, ())
        )

    def places(self, column: int, reviewer: str) -> set[int]:
        """The places in the queue of a class that a reviewer has answered."""
        return self._places.get((reviewer, column), set())

    def tally(self, column: int) -> Tally:
        """Of the suggestions of a class."""
        return self._tallies.get(column) or Tally(self._queue.size(column))

    def agreement(self) -> tuple[int, int]:
        """Entries that at least two reviewers answered yes or no, and on how many they agree."""
        return len(self._agree), sum(self._agree.values())

    def entries(self) -> Iterable[Place]:
        """Those with an answer."""
        return self._words.keys()

    def _changed(self, place: Place, reviewer: str) -> None:
        (row, column), words = place, self._words[place]
        decided = {one.answer for one in self.last(place) if one.answer != "unsure"}
        several = sum(one.answer != "unsure" for one in self.last(place)) > 1
        self._agree.pop(place, None)
        if several:
            self._agree[place] = len(decided) == 1
        at = self._queue.place(column, row)
        if at is None:
            return  # observed since, or beyond what is ranked
        if self.answer(place, reviewer) is None:
            self._places[reviewer, column].discard(at)
        else:
            self._places[reviewer, column].add(at)
        tally = self._tallies.setdefault(column, Tally(self._queue.size(column)))
        suggested = [one.answer for one in words if one.mode == "suggestions"]
        tally.set(row, suggested[-1] if suggested else None, at + 1, audited=bool(words))
