"""Answers of a review, read from its journal: an SQLite file that :mod:`.journal` writes.

The file is read with suspicion, since it may come from others: only the tables of a journal may be
in it, and only values that a journal can have.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from largeloss.errors import ConfigError, LabelError, LargelossError
from largeloss.files import check_regular, refuse_links

ANSWERS = "review/answers.sqlite3"
"""Below a run folder."""
MODES = ("suggestions", "audit")
WORDS = ("yes", "no", "unsure")
FORMAT = "largeloss answers 1"
TABLES = (
    "CREATE TABLE journal (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE steps (step INTEGER PRIMARY KEY AUTOINCREMENT, reviewer TEXT NOT NULL, "
    "mode TEXT NOT NULL, time TEXT NOT NULL, key TEXT)",
    "CREATE TABLE answers (number INTEGER PRIMARY KEY AUTOINCREMENT, step INTEGER NOT NULL, "
    "image NOT NULL, class NOT NULL, answer TEXT NOT NULL, score REAL, before INTEGER NOT NULL)",
    "CREATE TABLE undos (step INTEGER PRIMARY KEY, time TEXT NOT NULL, key TEXT)",
    "CREATE TABLE flags (number INTEGER PRIMARY KEY AUTOINCREMENT, image NOT NULL, "
    "class NOT NULL, reviewer TEXT NOT NULL, time TEXT NOT NULL, flagged INTEGER NOT NULL)",
    "CREATE INDEX steps_of ON steps (reviewer, step)",
    "CREATE INDEX answers_of ON answers (step)",
    "CREATE UNIQUE INDEX step_of ON steps (reviewer, key)",
    "CREATE INDEX undo_of ON undos (key)",
)
WRITTEN = (
    "SELECT number, image, class, answer, reviewer, time, score, before, mode "
    "FROM answers JOIN steps USING (step)"
)
STANDING = f"{WRITTEN} WHERE step NOT IN (SELECT step FROM undos)"


@dataclass(frozen=True)
class Answer:
    """What a reviewer said of one entry."""

    number: int
    """The order of the commits, from 1 on."""
    image: str
    class_name: str
    answer: str
    """``yes``, ``no`` or ``unsure``."""
    reviewer: str
    time: str
    """ISO 8601, UTC."""
    score: float | None
    """What the model said; None in an audit."""
    before: int
    """The label's state before: 1, 0 or -1."""
    mode: str
    """``suggestions`` or ``audit``."""


@dataclass(frozen=True)
class Flag:
    """A reviewer says that something is wrong with an image."""

    number: int
    image: str
    class_name: str
    """The class that was reviewed when the image was flagged."""
    reviewer: str
    time: str
    """ISO 8601, UTC."""


def standing_answers(path: Path) -> list[Answer]:
    """The last answer of each reviewer for each entry, without those taken back; by number.

    Reads only; the journal may be in use.

    Raises:
        LabelError: there is no journal, or it is damaged.
    """
    with told(path), closing(_opened(path)) as file:
        last = {
            (one.reviewer, one.image, one.class_name): one
            for one in map(answer_of, file.execute(f"{STANDING} ORDER BY number"))
        }
    return sorted(last.values(), key=lambda one: one.number)


def standing_flags(path: Path) -> list[Flag]:
    """The flags that were not taken back, one for each reviewer and image; by number.

    Raises:
        LabelError: as :func:`standing_answers`.
    """
    with told(path), closing(_opened(path)) as file:
        return flags_of(file)


def flags_of(file: sqlite3.Connection) -> list[Flag]:
    rows = file.execute(
        "SELECT number, image, class, reviewer, time, flagged FROM flags ORDER BY number"
    )
    last: dict[tuple[str, str], tuple[Flag, bool]] = {}
    for number, image, class_name, reviewer, time, flagged in rows:
        flag = Flag(number, _name(image), _name(class_name), str(reviewer), str(time))
        last[flag.reviewer, flag.image] = flag, bool(flagged)
    return sorted((flag for flag, stands in last.values() if stands), key=lambda one: one.number)


def _opened(path: Path) -> sqlite3.Connection:
    """The journal, for reading alone."""
    check_place(path)
    if not path.is_file():
        raise LabelError(
            f"There are no answers: {path} does not exist. They are given on the page of "
            "'largeloss review RUN'."
        )
    address = f"{path.resolve().as_uri()}?mode=ro"
    try:
        return checked(sqlite3.connect(address, uri=True), path)
    except sqlite3.OperationalError:
        log = path.with_name(f"{path.name}-wal")
        if log.exists() and log.stat().st_size:
            raise
        # On a file system that is read only, SQLite must be told that nobody writes.
        return checked(sqlite3.connect(f"{address}&immutable=1", uri=True), path)


def checked(file: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    """A connection to a journal whose tables are those of a journal, and nothing else."""
    try:
        file.execute("PRAGMA trusted_schema = OFF")
        file.execute("PRAGMA cell_size_check = ON")
        held = file.execute("SELECT sql FROM sqlite_master WHERE sql NOT NULL").fetchall()
        if {sql for (sql,) in held} != {*TABLES, "CREATE TABLE sqlite_sequence(name,seq)"}:
            raise LabelError(
                f"{path} is no journal of answers, or one of another version of largeloss. Move "
                "it away to begin a new one."
            )
        if file.execute("PRAGMA quick_check(1)").fetchall() != [("ok",)]:
            raise sqlite3.DatabaseError("its pages do not fit together")
    except BaseException:
        file.close()
        raise
    return file


def check_place(path: Path) -> None:
    refuse_links(path.parent)
    if path.exists():
        try:
            check_regular(path)
        except OSError as error:
            raise LabelError(f"{path} cannot be read: {error}.") from None


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Says what SQLite found in the words of largeloss."""
    try:
        yield
    except LargelossError:
        raise
    except (sqlite3.Error, ValueError) as error:  # as of a score that is text
        if isinstance(error, sqlite3.OperationalError) and "decode" not in str(error):
            raise ConfigError(
                f"{path} cannot be opened ({error}). The folder must be writable, and on a local "
                "disk."
            ) from None
        raise LabelError(
            f"{path} is damaged ({error}). Nothing was changed: restore the file, or move it away "
            "to begin a new one."
        ) from None


def answer_of(row: tuple[Any, ...]) -> Answer:
    number, image, class_name, answer, reviewer, time, score, before, mode = row
    if answer not in WORDS or mode not in MODES or before not in (1, 0, -1):
        raise sqlite3.DatabaseError(f"answer {number} is {answer!r}, {mode!r}, {before!r}")
    return Answer(
        number, _name(image), _name(class_name), answer, str(reviewer), str(time),
        None if score is None else float(score), before, mode,
    )  # fmt: skip


def kept_name(name: str) -> str | bytes:
    """Names of files that are no UTF-8 are kept as their bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return name.encode("utf-8", "surrogateescape")
    return name


def _name(kept: Any) -> str:
    if isinstance(kept, bytes):
        return kept.decode("utf-8", "surrogateescape")
    if not isinstance(kept, str):
        raise sqlite3.DatabaseError(f"{kept!r} is no name")
    return kept
