"""Millions of paths in little memory."""

import os
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, islice
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

BLOCK = 1 << 16
"""Paths that are held together."""


class _Block(NamedTuple):
    """(K,) paths: each is its folder, with the slash at its end, and its name."""

    folders: Any  # pyarrow's, a code a path
    names: Any

    def paths(self) -> list[bytes]:
        folders, names = self.folders.to_pylist(), self.names.to_pylist()
        return [folder + name for folder, name in zip(folders, names, strict=True)]


class PathList(Sequence[Path]):
    """Paths without repetitions, in the order in which they were first named.

    A path takes as many bytes as its name, and about ten more.

    Args:
        paths: As the system names files; bytes that are no UTF-8 as surrogates.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        blocks, parts = [], []
        encoded = map(os.fsencode, paths)
        while some := list(islice(encoded, BLOCK)):
            cuts = [path.rfind(b"/") + 1 for path in some]
            folders = [path[:cut] for path, cut in zip(some, cuts, strict=True)]
            names = [path[cut:] for path, cut in zip(some, cuts, strict=True)]
            blocks.append(
                _Block(
                    pa.array(folders, pa.binary()).dictionary_encode(), pa.array(names, pa.binary())
                )
            )
            parts.append(np.fromiter(map(hash, some), np.int64, len(some)))
        self._blocks = blocks
        self._index()
        hashes = np.concatenate(parts) if parts else np.empty(0, np.int64)
        parts.clear()
        repeated = self._repeated(hashes)
        self.repeated = len(repeated)
        """How many paths were left out, since they had been named before."""
        if len(repeated):
            self._leave_out(np.asarray(repeated))

    def _index(self) -> None:
        self._starts = [0, *accumulate(len(block.names) for block in self._blocks)]

    def __len__(self) -> int:
        return self._starts[-1]

    @overload
    def __getitem__(self, place: int) -> Path: ...
    @overload
    def __getitem__(self, place: slice) -> list[Path]: ...
    def __getitem__(self, place: int | slice) -> Path | list[Path]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        return Path(os.fsdecode(self._at(range(len(self))[place])))

    def __iter__(self) -> Iterator[Path]:
        for block in self._blocks:
            yield from map(Path, map(os.fsdecode, block.paths()))

    def _at(self, place: int) -> bytes:
        number = bisect_right(self._starts, place) - 1
        block, row = self._blocks[number], place - self._starts[number]
        found: bytes = block.folders[row].as_py() + block.names[row].as_py()
        return found

    def _repeated(self, hashes: NDArray[np.int64]) -> list[int]:
        """Places of paths that stand earlier, too; equal paths have equal ``hashes``."""
        ordered = np.sort(hashes)
        if not (ordered[1:] == ordered[:-1]).any():
            return []
        del ordered
        order = np.argsort(hashes, kind="stable")
        same = hashes[order[1:]] == hashes[order[:-1]]
        found, earlier = [], set[bytes]()
        for place in np.flatnonzero(same).tolist():
            if not place or not same[place - 1]:  # a group of equal hashes begins
                earlier = {self._at(int(order[place]))}
            path = self._at(int(order[place + 1]))
            if path in earlier:
                found.append(int(order[place + 1]))
            earlier.add(path)
        return found

    def _leave_out(self, places: NDArray[np.int64]) -> None:
        keep = np.ones(len(self), bool)
        keep[places] = False
        kept = []
        for block, start in zip(self._blocks, self._starts, strict=False):
            mask = pa.array(keep[start : start + len(block.names)])
            kept.append(_Block(block.folders.filter(mask), block.names.filter(mask)))
        self._blocks = [block for block in kept if len(block.names)]
        self._index()
