"""Which inputs of one data set are in another one, too."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from largeloss.data.dataset import Rows
from largeloss.data.examine.duplicates import identical_files
from largeloss.data.inputs.image_files import ImageFiles
from largeloss.data.inputs.source import FeatureArray, ImageArray, Source


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
    mine = [ours.paths[row] for row in rows.tolist()]
    known = [theirs.paths[row] for row in others.tolist()]
    named = set(known)
    shared = np.fromiter((path in named for path in mine), bool, len(mine))
    left = np.flatnonzero(~shared)
    for group in identical_files([*(mine[place] for place in left), *known]):
        if group[-1] >= len(left):  # positions ascend: the last is the likeliest of theirs
            shared[left[[place for place in group if place < len(left)]]] = True
    return shared


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
