"""A CSV file in blocks of whole lines: plain UTF-8, and checked for all that would hide a line.

So are row numbers turned into line numbers of the file, and a file is never in memory twice.
"""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from largeloss.errors import LabelError
from largeloss.labels.entries import Ints

BLOCK = 1 << 24
"""Bytes that are read at a time."""
_UTF8_MARK = b"\xef\xbb\xbf"
_NOTHING = re.compile(rb"^,+$", re.MULTILINE)
"""A line on nothing: spreadsheets write such rows below the last one."""


class CsvBlocks:
    r"""Iterates over the blocks of a file, with ``\n`` at the ends of lines; ``,,,`` is empty.

    Raises:
        LabelError: NUL, a carriage return, bytes that are no UTF-8, or a quote that Arrow would
            take for another thing than the user meant; with the line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.before = 0
        """Lines before the present block."""
        self._empty: list[Ints] = []

    def __iter__(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            for block in _whole_lines(self._as_utf8(file)):
                plain = self._checked(block.replace(b"\r\n", b"\n"))
                if plain.startswith(b",") or b"\n," in plain:
                    plain = _NOTHING.sub(b"", plain)
                if plain.startswith(b"\n") or b"\n\n" in plain:
                    ends = np.flatnonzero(np.frombuffer(plain, dtype=np.uint8) == ord("\n"))
                    empty = np.flatnonzero(np.diff(ends, prepend=-1) == 1)
                    self._empty.append(self.before + 1 + empty)
                yield plain
                self.before += plain.count(b"\n")

    def line(self, row: int) -> int:
        """The line of a row; row -1 is the header. Lines that are skipped are no rows."""
        empty = np.concatenate([np.empty(0, np.int64), *self._empty])
        skipped = np.searchsorted(empty - np.arange(len(empty)), row + 2, side="right")
        return row + 2 + int(skipped)

    def _as_utf8(self, file: BinaryIO) -> BinaryIO:
        mark = file.read(len(_UTF8_MARK))
        if mark.startswith((b"\xff\xfe", b"\xfe\xff")):
            try:
                return io.BytesIO((mark + file.read()).decode("utf-16").encode())
            except UnicodeDecodeError as error:
                raise LabelError(
                    f"{self.path}: this UTF-16 text is damaged ({error.reason})."
                ) from None
        if mark != _UTF8_MARK:
            file.seek(0)
        return file

    def _checked(self, block: bytes) -> bytes:
        def refuse(position: int, problem: str) -> LabelError:
            line = self.before + block.count(b"\n", 0, position) + 1
            return LabelError(f"{self.path}, line {line}: {problem}")

        if (found := block.find(b"\0")) >= 0:
            raise refuse(found, "a NUL byte. Save the file as UTF-8 text.")
        if (found := block.find(b"\r")) >= 0:
            raise refuse(
                found, "a carriage return without a line feed. Save it with \\n line ends."
            )
        try:
            block.decode()
        except UnicodeDecodeError as error:
            raise refuse(error.start, "bytes that are no UTF-8. Save the file as UTF-8.") from None
        if not self.before:
            refuse_other_separator(self.path, block.lstrip(b"\n").partition(b"\n")[0].decode())
        if b'"' in block:
            self._check_quotes(block)
        return block

    def _check_quotes(self, block: bytes) -> None:
        codes = np.frombuffer(b"\n" + block + b"\n", dtype=np.uint8)
        quotes = np.flatnonzero(codes == ord('"'))
        lines = np.searchsorted(np.flatnonzero(codes == ord("\n")), quotes)
        odd = np.flatnonzero(np.bincount(lines) % 2)
        if odd.size:
            raise LabelError(
                f"{self.path}, line {self.before + odd[0]}: a quote is not closed on its line. "
                'Line ends inside quotes are not supported; write a quote inside quotes as "".'
            )
        # Lines hold pairs, so that quotes open and close in turn; "" closes and opens again.
        outside = np.concatenate([codes[quotes[::2] - 1], codes[quotes[1::2] + 1]])
        stray = ~np.isin(outside, np.frombuffer(b',\n"', dtype=np.uint8))
        if stray.any():
            line = np.concatenate([lines[::2], lines[1::2]])[stray].min()
            raise LabelError(
                f"{self.path}, line {self.before + line}: a quote inside a field. Quote the whole "
                'field, and write a quote inside quotes as "".'
            )


def refuse_other_separator(path: Path, header: str) -> None:
    """Refuses a header between whose names other marks than commas stand."""
    if "," not in header and (found := {";", "\t"} & set(header)):
        kind = "semicolons" if ";" in found else "tabs"
        raise LabelError(
            f"{path}: the fields of the header are separated by {kind}; commas are needed. Export "
            "it as CSV with commas, from pandas with to_csv(…, sep=',')."
        )


def _whole_lines(file: BinaryIO) -> Iterator[bytes]:
    rest, size = b"", BLOCK
    while more := file.read(size):
        rest += more
        end = rest.rfind(b"\n") + 1
        if end:
            yield rest[:end]
            rest, size = rest[end:], BLOCK
        else:
            size *= 2  # a line longer than a block
    if rest:
        yield rest
