"""Label files edited: a few entries say something else, all others stay as they are written."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from largeloss.errors import LabelError
from largeloss.labels.entries import Ints
from largeloss.labels.files.columns import as_text, coded, states_of
from largeloss.labels.files.edit_csv import Patch, edit_csv
from largeloss.labels.files.header import Header, header_of
from largeloss.labels.files.layouts import parse_images
from largeloss.labels.files.parquet import read_parquet, write_parquet
from largeloss.labels.files.raw import RawTable, read_raw
from largeloss.labels.files.separators import SEPARATOR
from largeloss.labels.table import PRESENT, UNOBSERVED

Change = tuple[str, str, int]
"""Image, class, state."""


class EditedFile(NamedTuple):
    """A new label file in memory."""

    content: bytes
    patches: list[Patch] | None
    """How the old file is had back; None where only all of it would say that."""


class _Operations(NamedTuple):
    """What becomes of the lines of a file."""

    cells: dict[int, dict[int, Any]]
    """Line → position of a column → what is there now."""
    added: dict[int, list[dict[int, Any]]]
    """Line → lines that follow it, as what differs from that line."""


def edited_file(path: Path, changes: Iterable[Change]) -> EditedFile:
    """A label file in its own layout, with ``changes`` to entries that it names.

    An entry on several lines is changed on all that say something of it. What is written is
    spelled as elsewhere in the column, or in the file. A new line of the long layout follows the
    image's last one. In a list, every state but present takes the label out.

    Raises:
        LabelError: the file cannot be read.
    """
    raw = read_raw(path, as_text=True)
    header = header_of(raw.header)
    images = parse_images(raw, None)
    rows = {name: row for row, name in enumerate(images.names)}
    order = np.argsort(images.codes, kind="stable")
    ends = np.cumsum(np.bincount(images.codes, minlength=len(rows)))
    done = _Operations(defaultdict(dict), defaultdict(list))
    writer = _Writer(raw, header, done)
    write = {"wide": writer.wide, "long": writer.long, "list": writer.tags}[header.layout]
    for image, name, state in changes:
        row = rows[image]
        lines = order[ends[row - 1] if row else 0 : ends[row]]
        write(lines, name, state)
    if path.suffix.lower() == ".csv":
        return EditedFile(*edit_csv(path.read_bytes(), *done))
    return EditedFile(_edit_parquet(read_parquet(path, LabelError), done), None)


class _Writer:
    """Notes what a change does to the lines of its image; one method a layout."""

    def __init__(self, raw: RawTable, header: Header, done: _Operations) -> None:
        self.raw, self.header, self.done = raw, header, done
        self._positions = {raw.header[position]: position for position in header.labels}
        self._labels: tuple[dict[str, int], Ints] | None = None  # of the lines of a long file
        self._states: dict[int, Any] = {}
        self._spelled: dict[tuple[int, int], Any] = {}
        self._elsewhere: dict[tuple[Any, int], Any] = {}

    def wide(self, lines: Ints, name: str, state: int) -> None:
        self._set(lines, self._positions[name], state)

    def long(self, lines: Ints, name: str, state: int) -> None:
        label, value = self.header.labels
        if self._labels is None:
            names, codes = coded(as_text(self.raw.columns[label]))
            self._labels = {one: code for code, one in enumerate(names)}, codes
        numbers, codes = self._labels
        of_class = lines[codes[lines] == numbers.get(name, -1)]
        if of_class.size:
            self._set(of_class, value, state)
        elif state != UNOBSERVED:
            new = {label: name, value: self._spell(value, state)}
            self.done.added[int(lines[-1])].append(new)

    def tags(self, lines: Ints, name: str, state: int) -> None:
        position = self.header.labels[0]
        for line in lines.tolist()[: 1 if state == PRESENT else None]:
            cells = self.done.cells[line]
            before = cells[position] if position in cells else self.raw.columns[position][line]
            before = before.as_py() if isinstance(before, pa.Scalar) else before
            cells[position] = _listed(before, name, state == PRESENT)

    def _set(self, lines: Ints, position: int, state: int) -> None:
        """On the lines that say something, or on the first."""
        spoken = lines[self._states_in(position)[lines] != UNOBSERVED]
        for line in (spoken if spoken.size else lines[:1]).tolist():
            self.done.cells[line][position] = self._spell(position, state)

    def _states_in(self, position: int) -> Any:
        if position not in self._states:
            self._states[position] = states_of(self.raw.columns[position])[0]
        return self._states[position]

    def _spell(self, position: int, state: int) -> Any:
        key = position, state
        if key not in self._spelled:
            column = self.raw.columns[position]
            found = np.flatnonzero(self._states_in(position) == state)
            self._spelled[key] = (
                column[int(found[0])].as_py() if found.size else self._in_file(column.type, state)
            )
        return self._spelled[key]

    def _in_file(self, kind: Any, state: int) -> Any:
        """How a column of this type spells a state; the file is looked through once for each."""
        key = kind, state
        if key not in self._elsewhere:
            self._elsewhere[key] = _plain(kind, state)
            for position in self.header.labels if self.header.layout == "wide" else ():
                column = self.raw.columns[position]
                if column.type != kind:
                    continue
                found = np.flatnonzero(states_of(column)[0] == state)
                if found.size:
                    self._elsewhere[key] = column[int(found[0])].as_py()
                    break
        return self._elsewhere[key]


def _listed(before: Any, name: str, present: bool) -> Any:
    """A cell of tags, as text or as a list, with the tag or without it."""
    if isinstance(before, list):
        kept = [tag for tag in before if str(tag).strip() != name]
        return [*before, name] if present else kept
    text = before or ""
    if present:
        return f"{text}{SEPARATOR}{name}" if text.strip() else name
    return SEPARATOR.join(tag for tag in text.split(SEPARATOR) if tag.strip() != name)


def _edit_parquet(table: pa.Table, done: _Operations) -> bytes:
    columns = []
    for position, column in enumerate(table.columns):
        changed = {line: cells[position] for line, cells in done.cells.items() if position in cells}
        if changed:
            values = column.to_pylist()
            for line, value in changed.items():
                values[line] = value
            column = pa.chunked_array([pa.array(values, column.type)])
        more = [
            line[position] if position in line else column[after].as_py()
            for after, lines in sorted(done.added.items())
            for line in lines
        ]
        if more:
            column = pa.chunked_array([*column.chunks, pa.array(more, column.type)])
        columns.append(column)
    sink = pa.BufferOutputStream()
    write_parquet(sink, pa.Table.from_arrays(columns, schema=table.schema))
    return bytes(sink.getvalue())


def _plain(kind: Any, state: int) -> Any:
    """1, 0 or nothing, as a column of this type holds it."""
    if pa.types.is_boolean(kind):
        return None if state < 0 else bool(state)
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    blank = None if number else ""
    return blank if state < 0 else state if number else str(state)
