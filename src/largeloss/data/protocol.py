"""What the published protocol makes of a collection, as short hashes to compare with others'.

Source: the code of Cole et al., CVPR 2021.
"""

import hashlib

import numpy as np

from largeloss.data.dataset import Rows, published_split
from largeloss.labels import PRESENT, LabelTable, single_positive


def hash_numbers(numbers: Rows) -> str:
    """The first 16 hex digits of the SHA-256 of ``numbers`` as little-endian int64."""
    return hashlib.sha256(numbers.astype("<i8").tobytes()).hexdigest()[:16]


def val_hash(num_train: int) -> str:
    """Of the rows that the published rule takes out of the official train for val."""
    return hash_numbers(published_split(num_train)[1])


def single_positive_hash(train: LabelTable) -> str | None:
    """Of the class that each image of the official ``train`` keeps under ``single-positive``.

    None where labels are incomplete, or an image has no positive: the protocol is not made for
    that.
    """
    if not train.is_complete or not train.num_images:
        return None
    rows, _, states = train.entries()
    if len(np.unique(rows[states == PRESENT])) < train.num_images:
        return None
    return hash_numbers(single_positive(train).columns.astype(np.int64))
