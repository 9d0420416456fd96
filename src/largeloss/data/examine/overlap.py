"""Which inputs of one data set are in another one, too."""

import os
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from largeloss.data.dataset import Rows
from largeloss.data.examine.duplicates import identical_files, size_of
from largeloss.data.inputs.image_files import ImageFiles
from largeloss.data.inputs.source import FeatureArray, ImageArray, Source
from largeloss.data.inputs.threads import cores, map_files


def shared_inputs(ours: Source, rows: Rows, theirs: Source, others: Rows) -> NDArray[np.bool_]:
    """(M,) which of the M ``rows`` of ``ours`` have the content of one of ``others`` of ``theirs``.

    Files are the same by their path, or byte for byte; arrays by their values. Inputs of different
    kinds are never the same.
    """
    if isinstance(ours, ImageFiles) and isinstance(theirs, ImageFiles):
        return _shared_files(ours, rows, theirs, others)
    mine, known = _values(ours, rows), _values(theirs, others)
    if mine is None or known is None or mine.dtype != known.dtype:
        return np.zeros(len(rows), dtype=bool)
    return np.isin(mine, known)


def _shared_files(
    ours: ImageFiles, rows: Rows, theirs: ImageFiles, others: Rows
) -> NDArray[np.bool_]:
    shared = np.isin(_names(ours, rows), _names(theirs, others))
    left = rows[~shared]
    sizes, their_sizes = _sizes(ours, left), _sizes(theirs, others)
    alike = np.isin(their_sizes, sizes[sizes > 0])  # no other can be the same
    mine, known = ([files.paths[row] for row in chosen.tolist()]
                   for files, chosen in ((ours, left), (theirs, others[alike])))  # fmt: skip
    again = np.zeros(len(left), dtype=np.bool_)
    known_sizes = np.concatenate([sizes, their_sizes[alike]])
    for group in identical_files([*mine, *known], sizes=known_sizes):
        if group[-1] >= len(left):  # positions ascend: the last is the likeliest of theirs
            again[[place for place in group if place < len(left)]] = True
    shared[~shared] = again
    return shared


def _names(files: ImageFiles, rows: Rows) -> NDArray[np.bytes_]:
    """(M,): digests of the paths, of which there may be millions."""
    digests = (
        blake2b(os.fsencode(files.paths[row]), digest_size=16).digest() for row in rows.tolist()
    )
    return np.frombuffer(b"".join(digests), dtype="S16")


def _sizes(files: ImageFiles, rows: Rows) -> NDArray[np.int64]:
    """(M,): in bytes; 0 for what is not there."""
    found = map_files(
        lambda row: size_of(files.paths[row]), rows.tolist(), cores(), "Sizes of files"
    )
    return np.fromiter(found, np.int64, len(rows))


def _values(source: Source, rows: Rows) -> NDArray[Any] | None:
    """(M,): each input as one opaque value; None where inputs are not in memory."""
    if isinstance(source, FeatureArray):
        values = source.values.numpy()[rows]
    elif isinstance(source, ImageArray):
        values = source.pixels[rows]
    else:
        return None
    flat = np.ascontiguousarray(values.reshape(len(rows), -1))
    return flat.view(np.dtype((np.bytes_, flat.dtype.itemsize * flat.shape[1]))).ravel()
