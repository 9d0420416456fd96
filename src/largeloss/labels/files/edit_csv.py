"""Cells of a CSV file changed; every other byte stays as it is."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from largeloss.errors import LabelError

_FIELD = re.compile(rb'(?:^|,)("(?:[^"]|"")*"|[^,]*)')
_UTF8_MARK = b"\xef\xbb\xbf"
_COMMA = ord(",")
_UTF16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


class Patch(NamedTuple):
    """In the new file, ``length`` bytes at ``offset`` stand in the place of ``old``."""

    offset: int
    length: int
    old: bytes


Line = Mapping[int, str]
"""Position of a field → its text."""


def edit_csv(
    data: bytes, cells: Mapping[int, Line], added: Mapping[int, Sequence[Line]]
) -> tuple[bytes, list[Patch] | None]:
    """The new file, and how the old one is had back; None where only all of it would say that.

    Args:
        data: A file that :func:`.read_raw` reads.
        cells: Row → its new fields.
        added: Row → lines that follow it, as fields that differ from those of the row.

    Raises:
        LabelError: the file has fewer rows.
    """
    encoding = _UTF16.get(data[:2])
    if encoding is not None:
        text = data[2:].decode(encoding).encode()
        new, _ = edit_csv(text, cells, added)
        return data[:2] + new.decode().encode(encoding), None
    spans = _Spans(data)
    header_end = spans[0][1]
    end_of_line = b"\r\n" if data[header_end : header_end + 2] == b"\r\n" else b"\n"
    pieces: list[bytes] = []
    patches: list[Patch] = []
    done = size = 0

    def put(start: int, end: int, text: bytes) -> None:
        nonlocal done, size
        pieces.extend((data[done:start], text))
        size += start - done
        patches.append(Patch(size, len(text), data[start:end]))
        size, done = size + len(text), end

    for row in sorted(cells.keys() | added.keys()):
        start, end = spans[row + 1]
        fields = [found.span(1) for found in _FIELD.finditer(data[start:end])]
        for position, value in sorted(cells.get(row, {}).items()):
            first, last = (start + place for place in fields[position])
            put(first, last, _quoted(value, data[first:last]))
        for line in added.get(row, ()):
            raw = [data[start + first : start + last] for first, last in fields]
            for position, value in line.items():
                raw[position] = _quoted(value, raw[position])
            put(end, end, end_of_line + b",".join(raw))
    pieces.append(data[done:])
    return b"".join(pieces), patches


class _Spans:
    """Where each line begins and ends that has more than commas; the header is line 0."""

    def __init__(self, data: bytes) -> None:
        codes = np.frombuffer(data, dtype=np.uint8)
        ends = np.append(np.flatnonzero(codes == ord("\n")), len(data))
        starts = np.append(len(_UTF8_MARK) * data.startswith(_UTF8_MARK), ends[:-1] + 1)
        filled = np.flatnonzero(ends > starts)
        ends[filled] -= codes[ends[filled] - 1] == ord("\r")
        something = ends > starts
        filled = np.flatnonzero(something)
        for line in filled[codes[starts[filled]] == _COMMA]:
            something[line] = bool(data[starts[line] : ends[line]].strip(b","))
        self._kept = np.flatnonzero(something)
        self._starts, self._ends = starts, ends

    def __getitem__(self, line: int) -> tuple[int, int]:
        if line >= len(self._kept):
            raise LabelError(
                "The label file has changed since it was read: it has fewer lines now. Give the "
                "command again."
            )
        place = self._kept[line]
        return int(self._starts[place]), int(self._ends[place])


def _quoted(text: str, before: bytes) -> bytes:
    """``text`` as a field, in quotes where it needs them or had them ``before``."""
    plain = text.encode()
    if before.startswith(b'"') or any(letter in plain for letter in (b",", b'"')):
        return b'"' + plain.replace(b'"', b'""') + b'"'
    return plain
