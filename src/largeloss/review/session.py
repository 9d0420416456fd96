"""A run that is being reviewed: its queue, its journal, its images, and the answers that stand."""

from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from threading import Lock, RLock
from typing import NamedTuple, Self

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from largeloss.errors import ConfigError
from largeloss.files import PARTIAL
from largeloss.labels import LabelTable
from largeloss.labels.answers import ANSWERS, Answer
from largeloss.labels.audit import AUDIT, Audited, write_audit
from largeloss.labels.journal import Said
from largeloss.labels.names import positions_of
from largeloss.review.audit import Sample, audit, audit_of_class, open_sample
from largeloss.review.belonging import identity_of, open_journal, weights_of
from largeloss.review.checks import check_reviewable, unwritable
from largeloss.review.images import Images, shown_source
from largeloss.review.queue import Queue, open_queue
from largeloss.review.standing import Place, Standing, Word
from largeloss.runs.data import open_data
from largeloss.runs.seen_in_training import has_changed
from largeloss.runs.settings import saved_settings

AUDITED = 50
"""Entries of each class that an audit asks for, by default."""
EXAMPLES = 3
Ints = NDArray[np.int64]


class Undone(NamedTuple):
    """What an undo took back."""

    places: list[Place]
    mode: str


class Review:
    """Used in a ``with`` statement; one process at a time has a run under review.

    Its methods may be called from several threads. Every change is committed before it returns.

    Args:
        run: A finished run.
        audited: Entries of each class that are drawn for the audit.
        remark: Is told what the user should know.

    Raises:
        ConfigError: as :func:`check_reviewable`; another process reviews the run; or the journal
            belongs to another run.
        DataError: there are no images to show, or they have changed.
    """

    def __init__(
        self, run: Path, audited: int = AUDITED, remark: Callable[[str], None] = lambda text: None
    ) -> None:
        check_reviewable(run)
        self.run, self._audited, self.remark = run, audited, remark
        self._folder = run / Path(ANSWERS).parent
        self._lock = FileLock(self._folder / ".lock", timeout=0)
        self._writing, self.reading = Lock(), RLock()
        self._audit_is_old = True

    def __enter__(self) -> Self:
        try:
            self._lock.acquire()
        except Timeout:
            raise ConfigError(
                f"{self.run} is under review in another process. Open its page, or end it first; "
                "several reviewers use one server."
            ) from None
        except OSError as error:
            raise ConfigError(unwritable(self._folder, error)) from None
        try:
            self._open()
        except BaseException:
            self._lock.release()
            raise
        return self

    def _open(self) -> None:
        for left in (*self._folder.glob(f"*{PARTIAL}"), *self._folder.glob(f"*/*{PARTIAL}")):
            left.unlink(missing_ok=True)
        settings = saved_settings(self.run)
        data = open_data(settings)
        self.table: LabelTable = data.training.labels
        self.classes, self.names = self.table.classes, self.table.images
        source = shown_source(settings, data)
        # what a run has left out is not known here
        if settings.data.bad_images != "skip" and has_changed(self.run, data):
            self.remark(
                "Labels or splits are not those that the run was trained with. Reviewed are the "
                "training images as they are now; former test images may be among them."
            )
        weights = weights_of(self.run)
        self.identity = identity_of(weights, self.names, self.classes)
        self._journal = open_journal(self.run, weights)
        try:
            self.queue: Queue = open_queue(self._folder, self.run, settings, data)
            self.images = Images(source, self.table, self._folder / "thumbnails", self.run)
            self.sample: Sample = open_sample(
                self._folder / "sample.json",
                self.table,
                self.queue.train,
                self._audited,
                self.table.fingerprint,
            )
            self._examples = self._confirmed()
            self.standing = Standing(self.queue)
            self._places: dict[int, Place] = {}  # of each answer that stands, by its number
            self._read_journal()
            self.write_audit()
        except BaseException:
            self._journal.close()
            raise

    def __exit__(self, *_: object) -> None:
        try:
            self.write_audit()
        finally:
            with self._writing:
                self._journal.close()
            self._lock.release()

    @property
    def kept(self) -> int:
        """How many entries have an answer that stands."""
        return len(list(self.standing.entries()))

    def is_open_for_answers(self, row: int, column: int) -> bool:
        """Whether an entry is an unobserved one of a training image."""
        if not 0 <= column < len(self.classes) or not self.shows(row):
            return False
        begin, end = self.table.offsets[row : row + 2]
        return column not in self.table.columns[begin:end]

    def shows(self, row: int) -> bool:
        """Whether a row is a training image."""
        train = self.queue.train
        at = int(np.searchsorted(train, row))
        return at < len(train) and int(train[at]) == row

    def answer(
        self, reviewer: str, mode: str, said: Sequence[tuple[Place, str]], key: str | None = None
    ) -> list[int]:
        """Writes answers, all of them or none; their numbers, when they are on the disk.

        What has the key of an earlier call was sent again: it is not written twice.

        Raises:
            ConfigError: other answers have the key.
            RunError: they could not be written.
        """
        entries = [
            Said(
                self.names[row], self.classes[column], answer,
                self._score(row, column) if mode == "suggestions" else None, -1,
            )
            for (row, column), answer in said
        ]  # fmt: skip
        with self._writing:
            if known := self._journal.step(reviewer, key):
                if [(one.image, one.class_name, one.answer) for one in known] != [
                    (one.image, one.class_name, one.answer) for one in entries
                ]:
                    raise ConfigError(
                        "Other answers were given with this id before. Send new ones with an id of "
                        "their own."
                    )
                return [one.number for one in known]
            written = self._journal.add(reviewer, mode, entries, key)
            with self.reading:
                for (place, _), one in zip(said, written, strict=True):
                    self._add(place, one)
                self._audit_is_old |= any(self.standing.audited(place) for place, _ in said)
        return [one.number for one in written]

    def undo(self, reviewer: str, key: str | None = None) -> Undone | None:
        """Takes back the reviewer's last answers that stand; None where there are none.

        What has the key of an earlier call was sent again: nothing more is taken back.

        Raises:
            RunError: it could not be written.
        """
        with self._writing:
            if known := self._journal.undone(reviewer, key):
                return Undone(self._places_of(known), known[0].mode)
            undone = self._journal.undo(reviewer, self._places, key)
            if not undone:
                return None
            with self.reading:
                places = []
                for one in undone:
                    place = self._places.pop(one.number, None)
                    if place is not None:
                        places.append(place)
                        self.standing.remove(place, one.number)
                self._audit_is_old = True
        return Undone(places, undone[0].mode)

    def flag(self, reviewer: str, row: int, column: int, flagged: bool) -> None:
        """Says that something is wrong with an image, or takes it back.

        Raises:
            RunError: it could not be written.
        """
        with self._writing:
            self._journal.flag(reviewer, self.names[row], self.classes[column], flagged)
            with self.reading:
                change = self._flags.add if flagged else self._flags.discard
                change((reviewer, row))

    def is_flagged(self, reviewer: str, row: int) -> bool:
        """Whether a reviewer has flagged an image."""
        return (reviewer, row) in self._flags

    def audited(self, column: int) -> Audited:
        """What the audit says of a class."""
        return audit_of_class(self.sample, self.standing, column)

    def write_audit(self) -> None:
        """Brings ``audit.json`` up to date, where it is not.

        Raises:
            RunError: it could not be written.
        """
        with self.reading:
            if not self._audit_is_old:
                return
            found = audit(self.classes, self.sample, self.standing)
            self._audit_is_old = False
        if found.overall.answered or (self.run / AUDIT).exists():
            try:
                write_audit(self.run / AUDIT, found)
            except BaseException:
                self._audit_is_old = True
                raise

    def examples(self, column: int) -> list[int]:
        """Rows of up to three training images that show a class for certain."""
        with self.reading:
            latest = self.standing.tally(column).latest
            said = (row for row, (answer, _) in latest.items() if answer == "yes")
            found = [*self._examples[column], *islice(said, EXAMPLES)]
        return found[:EXAMPLES]

    def is_learnt(self, column: int) -> bool:
        """Whether a training image is tagged with a class: without one it cannot be learnt."""
        return bool(self._examples[column])

    def _score(self, row: int, column: int) -> float | None:
        place = self.queue.place(column, row)
        return None if place is None else self.queue.score(column, place)

    def _confirmed(self) -> dict[int, list[int]]:
        """Class → the first training images that are tagged with it."""
        entries = self.table.entries()
        known = np.zeros(self.table.num_images, dtype=bool)
        known[self.queue.train] = True
        tagged = np.flatnonzero((entries.states == 1) & known[entries.rows])
        columns = entries.columns[tagged]
        order = np.argsort(columns, kind="stable")
        begins = np.searchsorted(columns[order], np.arange(len(self.classes) + 1))
        return {
            column: entries.rows[tagged[order[begins[column] : begins[column + 1]][:EXAMPLES]]]
            .tolist()
            for column in range(len(self.classes))
        }  # fmt: skip

    def _add(self, place: Place, one: Answer) -> None:
        self._places[one.number] = place
        self.standing.add(place, Word(one.number, one.reviewer, one.answer, one.mode))

    def _places_of(self, answers: Sequence[Answer]) -> list[Place]:
        """Row and column of each; -1 where the image or the class is no longer there."""
        rows = positions_of([one.image for one in answers], self.names).tolist()
        columns = positions_of([one.class_name for one in answers], self.classes).tolist()
        return list(zip(rows, columns, strict=True))

    def _read_journal(self) -> None:
        answers = list(self._journal.answers())
        for place, one in zip(self._places_of(answers), answers, strict=True):
            if self.is_open_for_answers(*place):
                self._add(place, one)
        flags = self._journal.flags()
        rows = positions_of([flag.image for flag in flags], self.names).tolist()
        pairs = zip(flags, rows, strict=True)
        self._flags = {(flag.reviewer, row) for flag, row in pairs if row >= 0}
        lost = len(answers) - len(self._places)
        if lost:
            self.remark(
                f"{lost:,} answers are of entries that are no longer unobserved or no longer there:"
                " they are kept in the journal, and not shown."
            )
