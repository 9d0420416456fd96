"""The journal of a review: every answer of every reviewer, kept for good in an SQLite file.

Rows are only ever added: an undo is a row that names the step it takes back, and a flag is taken
back by another row. What was committed survives a process that is killed and a power failure
(write-ahead log, ``synchronous=FULL``).
"""

import sqlite3
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from largeloss.errors import ConfigError, RunError
from largeloss.labels.answers import (
    FORMAT,
    STANDING,
    TABLES,
    WRITTEN,
    Answer,
    Flag,
    answer_of,
    check_place,
    checked,
    flags_of,
    kept_name,
    told,
)


@dataclass(frozen=True)
class Said:
    """An answer that is about to be written."""

    image: str
    class_name: str
    answer: str
    score: float | None
    before: int


class Journal:
    """The answers of one run, to be added to; made where it is missing.

    One thread at a time may call it. A method returns when its rows are committed.

    Args:
        path: The file; its folder is there.
        identity: What the answers belong to, by name: such as the run's weights. A journal with
            another identity is refused.
        former: What an earlier version wrote in its place.

    Raises:
        ConfigError: it belongs to something else, or cannot be written.
        LabelError: it is damaged, or no journal.
    """

    def __init__(
        self, path: Path, identity: Mapping[str, str], former: Mapping[str, str] | None = None
    ) -> None:
        self.path = path
        check_place(path)
        new = not path.exists() or path.stat().st_size == 0
        with told(path):
            self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            try:
                if new:
                    self._create(identity)
                checked(self._file, path)
                self._check_identity(identity, former or identity)
                self._file.execute("PRAGMA journal_mode = WAL")
                self._file.execute("PRAGMA synchronous = FULL")
            except BaseException:
                self._file.close()
                raise

    def add(
        self, reviewer: str, mode: str, said: Sequence[Said], key: str | None = None
    ) -> list[Answer]:
        """Writes answers as one step, which one undo takes back; ``key`` names it, see `step`.

        Raises:
            RunError: the disk is full or gone; nothing of the step is kept.
        """
        time = _now()
        with self._transaction():
            step = self._file.execute(
                "INSERT INTO steps (reviewer, mode, time, key) VALUES (?, ?, ?, ?)",
                (reviewer, mode, time, key),
            ).lastrowid
            numbers = [
                self._file.execute(
                    "INSERT INTO answers (step, image, class, answer, score, before) "
                    "VALUES (?, ?, ?, ?, ?, ?)",
                    (step, kept_name(one.image), kept_name(one.class_name), one.answer, one.score,
                     one.before),
                ).lastrowid
                for one in said
            ]  # fmt: skip
        return [
            Answer(
                number or 0, one.image, one.class_name, one.answer, reviewer, time, one.score,
                one.before, mode,
            )
            for number, one in zip(numbers, said, strict=True)
        ]  # fmt: skip

    def step(self, reviewer: str, key: str | None) -> list[Answer]:
        """What was written under a key, whether it stands or not; empty where nothing was.

        Whoever has not heard that a step was committed sends it again, with its key.
        """
        found = self._file.execute(
            f"{WRITTEN} WHERE reviewer = ? AND key = ? ORDER BY number", (reviewer, key)
        )
        return [answer_of(row) for row in found]

    def undone(self, reviewer: str, key: str | None) -> list[Answer]:
        """What the undo of a key took back; empty where there was none."""
        found = self._file.execute(
            f"{WRITTEN} WHERE reviewer = ? AND step IN (SELECT step FROM undos WHERE key = ?) "
            "ORDER BY number",
            (reviewer, key),
        )
        return [answer_of(row) for row in found]

    def undo(self, reviewer: str, shown: Container[int], key: str | None = None) -> list[Answer]:
        """Takes back the reviewer's last step that still stands and is shown.

        Args:
            reviewer: Whose.
            shown: Numbers of answers; a step without one of them is left alone, since nobody could
                see what became of it.
            key: Names this undo.

        Returns:
            The answers of that step, which stand no longer; empty where there is none.

        Raises:
            RunError: as :meth:`add`.
        """
        with self._transaction():
            steps = self._file.execute(
                "SELECT step, number FROM answers JOIN steps USING (step) WHERE reviewer = ? "
                "AND step NOT IN (SELECT step FROM undos) ORDER BY step DESC",
                (reviewer,),
            )
            step = next((step for step, number in steps if number in shown), None)
            if step is None:
                return []
            found = self._file.execute(f"{STANDING} AND step = ? ORDER BY number", (step,))
            undone = [answer_of(row) for row in found]
            self._file.execute(
                "INSERT INTO undos (step, time, key) VALUES (?, ?, ?)", (step, _now(), key)
            )
        return undone

    def flag(self, reviewer: str, image: str, class_name: str, flagged: bool) -> None:
        """Flags an image, or takes the reviewer's flag back.

        Raises:
            RunError: as :meth:`add`.
        """
        with self._transaction():
            self._file.execute(
                "INSERT INTO flags (image, class, reviewer, time, flagged) VALUES (?, ?, ?, ?, ?)",
                (kept_name(image), kept_name(class_name), reviewer, _now(), flagged),
            )

    def answers(self) -> Iterator[Answer]:
        """All that were not taken back, by number; a reviewer may have several on one entry."""
        yield from map(answer_of, self._file.execute(f"{STANDING} ORDER BY number"))

    def flags(self) -> list[Flag]:
        """The standing ones, see :func:`standing_flags`."""
        return flags_of(self._file)

    def close(self) -> None:
        """Closes the file; the write-ahead log goes into it."""
        self._file.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._file.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._file.execute("COMMIT")
            except BaseException:
                if self._file.in_transaction:
                    self._file.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise RunError(
                f"{self.path} could not be written ({error}). The answer is not kept, those before "
                "it are: make room, or mount the disk again."
            ) from None

    def _create(self, identity: Mapping[str, str]) -> None:
        values = {"format": FORMAT, **identity}
        self._file.execute("BEGIN IMMEDIATE")
        for table in TABLES:
            self._file.execute(table)
        self._file.executemany("INSERT INTO journal VALUES (?, ?)", values.items())
        self._file.execute("COMMIT")

    def _check_identity(self, identity: Mapping[str, str], former: Mapping[str, str]) -> None:
        kept = dict(self._file.execute("SELECT name, value FROM journal"))
        other = [name for name, value in identity.items() if kept.get(name) != value]
        if other and not former.items() <= kept.items():
            raise ConfigError(
                f"{self.path} holds answers of another run: its {' and its '.join(other)} are "
                "not those of this run. Nothing was changed. Move the file back to its own run, "
                "or out of this folder to begin a new review here."
            )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
