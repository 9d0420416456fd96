"""Copies of label files with edits applied, and what they were before.

Beside a copy stands its record, ``NAME.edits.parquet``: the edits that were applied. Notes in it
hold what is needed to have the first file back, byte for byte, and checksums of both files.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from largeloss.errors import ConfigError, LabelError
from largeloss.files import written_atomically
from largeloss.labels.edit_fit import Verdict, fit, written_by
from largeloss.labels.edits import LabelEdits, read_edits_and_notes, write_edits
from largeloss.labels.files.edit import EditedFile, edited_file
from largeloss.labels.files.edit_csv import Patch
from largeloss.labels.files.header import unlisted_by_split
from largeloss.labels.files.read import LabelFile, read_labels
from largeloss.labels.table import ABSENT, UNOBSERVED

LARGEST = 1 << 28
"""Bytes of a file that the record of its copy holds whole, where no patches say what it was."""


@dataclass(frozen=True)
class Applied:
    """What became of M edits."""

    edits: LabelEdits
    verdicts: NDArray[np.object_]
    """(M,) a :class:`.Verdict` each."""
    num_changed: int
    """Entries that the copy has otherwise than the file."""
    exact: bool = True
    """Of a revert: whether it began with the first file, and not with the copy."""


def record_of(path: Path) -> Path:
    """Where the edits of a copy are kept."""
    return path.with_name(f"{path.name}.edits.parquet")


def check_new_file(out: Path, suffixes: tuple[str, ...], *beside: Path) -> None:
    """Makes sure that a new file may be written, and others ``beside`` it; changes nothing.

    Raises:
        ConfigError: there is something, no folder, or another suffix.
    """
    if out.suffix.lower() not in suffixes:
        raise ConfigError(f"--out must end in {' or '.join(suffixes)}, got {out}.")
    for place in (out, *beside):
        if place.exists() or place.is_symlink():
            raise ConfigError(
                f"{place} exists, and files are never changed in place: choose another --out."
            )
    if not out.parent.is_dir():
        raise ConfigError(f"The folder {out.parent} of --out does not exist.")


def check_target(path: Path, out: Path) -> None:
    """Makes sure that a copy of a label file may be written to ``out``, in its own layout.

    Raises:
        ConfigError: as :func:`check_new_file`.
        LabelError: there is no such label file.
    """
    if not path.is_file():
        raise LabelError(f"{path}: there is no such file.")
    check_new_file(out, (path.suffix.lower(),), record_of(out))


def apply_to_copy(
    path: Path, edits: LabelEdits, out: Path, *, unlisted: str | None = None
) -> Applied:
    """Writes a copy of a label file in which the edits that fit are made, and its record.

    Args:
        path: CSV or Parquet, in any layout.
        edits: What does not fit, see :class:`.Verdict`, is left out.
        out: The copy; ``record_of(out)`` holds the edits that were made.
        unlisted: For lists of tags, as of :func:`.read_labels`.

    Raises:
        ConfigError: ``out`` exists, or has no folder.
        LabelError: the file cannot be read, or not one edit fits.
        RunError: the copy cannot be written.
    """
    check_target(path, out)
    file = read_labels(path, unlisted=unlisted)
    found = fit(file.table, edits, _wordless(file, unlisted))
    applied = Applied(edits, found.verdicts, len(found.rows))
    if not applied.num_changed:
        counts = {str(one): int((found.verdicts == one).sum()) for one in Verdict}
        listed = ", ".join(f"{word}: {n}" for word, n in counts.items() if n) or "there are none"
        hidden = (
            " The file has had these labels all along; a run with --observe hides them from its "
            "method and its reviewers."
        )
        same = len(edits) and counts[str(Verdict.ALREADY)] == len(edits)
        raise LabelError(
            f"No edit changes {path} ({listed}). Nothing was written.{hidden if same else ''}"
        )
    images, classes = file.table.images, file.table.classes
    changes = zip(found.rows.tolist(), found.columns.tolist(), found.states.tolist(), strict=True)
    new = edited_file(path, [(images[row], classes[column], to) for row, column, to in changes])
    notes = _notes(path.read_bytes(), new)
    record = record_of(out)
    write_edits(record, edits.select(found.verdicts == Verdict.FITS), notes)
    try:
        _write(out, new.content)
    except BaseException:
        record.unlink(missing_ok=True)
        raise
    return applied


def revert_in_copy(
    path: Path,
    out: Path,
    *,
    edits: LabelEdits | None = None,
    author: str | None = None,
    unlisted: str | None = None,
) -> Applied:
    """Writes a copy of an edited label file in which edits are undone.

    All edits, undone by the record of the file, give the first file byte for byte. Otherwise
    entries are set back one by one, to what the other edits say or to what they were at first.

    Args:
        path: A label file that edits were applied to.
        out: The copy.
        edits: Those to undo; by default those of the file's record, which is asked too where it has
            them all.
        author: Only theirs, as of :func:`.written_by`.
        unlisted: For lists of tags.

    Returns:
        The edits that were undone.

    Raises:
        ConfigError, LabelError, RunError: as :func:`apply_to_copy`; there is no record.
    """
    check_target(path, out)
    record = record_of(path)
    recorded, notes = read_edits_and_notes(record) if record.is_file() else (None, {})
    if edits is None:
        if recorded is None:
            raise LabelError(
                f"{path} has no record of edits: {record} does not exist. Say which are to be "
                "undone: --edits, a file of label edits or a run."
            )
        edits = recorded
    undone = np.ones(len(edits), bool) if author is None else written_by(edits, author)
    if not undone.any():
        authors = ", ".join(sorted(set(edits.author.tolist()))) or "none"
        raise LabelError(f"There are no edits of {author!r} to undo; authors are: {authors}.")
    if recorded is not edits:
        asked = set(_named(edits.select(undone)))
        if recorded is None or not asked <= set(_named(recorded)):
            notes = {}
        else:  # it knows which others were applied, too
            edits = recorded
            undone = np.array([one in asked for one in _named(edits)], bool)
    first, reverse = _first_file(path, notes), _reversed(edits, undone)
    if first is None:
        applied = apply_to_copy(path, reverse, out, unlisted=unlisted)
        return Applied(reverse, applied.verdicts, applied.num_changed, exact=False)
    if undone.all():
        _write(out, first)
    else:
        with TemporaryDirectory() as folder:
            (before := Path(folder) / path.name).write_bytes(first)
            apply_to_copy(before, edits.select(~undone), out, unlisted=unlisted)
    gone = edits.select(undone)
    changed = int((reverse.before != reverse.after).sum())
    return Applied(gone, np.full(len(gone), Verdict.FITS, object), changed)


def _write(out: Path, content: bytes) -> None:
    with written_atomically(out) as partial:
        partial.write_bytes(content)


def _wordless(file: LabelFile, unlisted: str | None) -> NDArray[np.int8] | None:
    """(N,) the state that a list of tags cannot say of each image; None for other layouts."""
    if file.layout != "list" or unlisted is None:
        return None
    splits = file.splits or ("train",) * file.table.num_images
    words = unlisted_by_split(unlisted, dict.fromkeys(splits))
    unknown = [words[split] == "unknown" for split in splits]
    return np.where(unknown, ABSENT, UNOBSERVED).astype(np.int8)


def _named(edits: LabelEdits) -> Iterator[tuple[str, str, str, int]]:
    """Image, class, author and new state of each."""
    for row, column, author, after in zip(
        edits.rows, edits.columns, edits.author, edits.after, strict=True
    ):
        yield edits.images[row], edits.classes[column], author, int(after)


def _entries(edits: LabelEdits) -> set[tuple[int, int]]:
    return set(zip(edits.rows.tolist(), edits.columns.tolist(), strict=True))


def _reversed(edits: LabelEdits, undone: NDArray[np.bool_]) -> LabelEdits:
    """One edit an entry: from what all edits came to, to what those that stay come to."""
    last: dict[tuple[int, int], int] = {}
    back: dict[tuple[int, int], int] = {}
    touched = _entries(edits.select(undone))
    for row, column, before, after, is_undone in zip(
        *(getattr(edits, name).tolist() for name in ("rows", "columns", "before", "after")),
        undone.tolist(),
        strict=True,
    ):
        last[row, column] = after
        back.setdefault((row, column), before)
        if not is_undone:
            back[row, column] = after
    places = np.array(sorted(touched), dtype=np.int64).reshape(-1, 2)
    return LabelEdits.of(
        images=edits.images,
        classes=edits.classes,
        rows=places[:, 0],
        columns=places[:, 1],
        before=np.array([last[row, column] for row, column in places.tolist()], np.int8),
        after=np.array([back[row, column] for row, column in places.tolist()], np.int8),
        author="revert",
        reason="undone",
    )


def _notes(old: bytes, new: EditedFile) -> dict[str, str]:
    """How the first file is had back from the new one."""
    notes = {"first": _digest(old), "copy": _digest(new.content)}
    if new.patches is not None:
        plain = [[one.offset, one.length, one.old.decode("latin-1")] for one in new.patches]
        notes["patches"] = json.dumps(plain)
    elif len(old) <= LARGEST:
        notes["whole"] = base64.b64encode(zlib.compress(old)).decode()
    return notes


def _first_file(path: Path, notes: dict[str, str]) -> bytes | None:
    """The file that a copy was made of; None where the notes do not say, or not of this copy."""
    content = path.read_bytes()
    if notes.get("copy") != _digest(content):
        return None
    try:
        if "patches" in notes:
            first = _unpatched(content, [Patch(*one) for one in json.loads(notes["patches"])])
        else:
            packed = base64.b64decode(notes.get("whole", ""), validate=True)
            first = zlib.decompressobj().decompress(packed, LARGEST)
    except (ValueError, TypeError, AttributeError, RecursionError, zlib.error):
        return None
    return first if _digest(first) == notes.get("first") else None


def _unpatched(content: bytes, patches: list[Patch]) -> bytes:
    pieces, done = [], 0
    for offset, length, old in patches:
        pieces += [content[done:offset], str(old).encode("latin-1")]
        done = offset + length
    return b"".join([*pieces, content[done:]])


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
