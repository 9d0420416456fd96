"""Splits in which every class has its share of positives."""

import math
from collections.abc import Mapping

import numpy as np

from largeloss.data.dataset import Rows
from largeloss.errors import ConfigError, DataError
from largeloss.labels import PRESENT, LabelTable
from largeloss.labels.entries import offsets_of
from largeloss.labels.files.layouts import SPLITS

USUAL_SHARES = {"train": 0.64, "val": 0.16, "test": 0.2}
"""A fifth is test, and a fifth of the rest val, as in the published rule."""
USUAL_SEED = 1200
_SHARES = ",".join(f"{name}={share:g}" for name, share in USUAL_SHARES.items())
SAME_SPLITS = (
    f"The same are written by: largeloss data split DATA --shares {_SHARES} --seed {USUAL_SEED} "
    "--out NEW"
)
"""How the draw of :func:`usual_split` by the folder's own labels is kept."""


def stratified_split(table: LabelTable, shares: Mapping[str, float], seed: int) -> dict[str, Rows]:
    """Splits that have ``shares`` of the images and, nearly, of each class's labels.

    Observed presences and observed absences of a class are spread separately; what is unobserved
    has no say. Every class that is present anywhere is present in train: the last image that can
    still bring it goes there. Sizes may differ slightly from ``shares``, since labels come first.
    100,000 complete images of 80 classes take about four seconds, 3.4 million images of 5,000
    classes with 15 million entries about a minute.

    Source: iterative stratification, Sechidis, Tsoumakas and Vlahavas, ECML PKDD 2011.

    ``shares`` of ``train`` and one or both of ``val`` and ``test`` add up to 1. ``seed``, from 0 to
    2**32 - 1, decides the order of images and breaks ties.

    Returns:
        Sorted rows by split, in the order of ``shares``; every image is in one of them.

    Raises:
        ConfigError: shares or a seed that are not possible.
        DataError: a split would have no image.
    """
    _check(shares)
    if not 0 <= seed < 2**32:
        raise ConfigError(f"A seed must be from 0 to {2**32 - 1}, got {seed}.")
    folds = _assign(table, np.array(list(shares.values()), dtype=np.float64), seed, list(shares))
    splits = {name: np.flatnonzero(folds == fold) for fold, name in enumerate(shares)}
    for name, rows in splits.items():
        if not len(rows):
            raise DataError(
                f"The {name} split would be empty: its share {shares[name]:g} of "
                f"{table.num_images} images is too small, or train needs the images so that every "
                "class is present there. Raise the share, add images, or leave rare classes out."
            )
    return splits


def usual_split(
    table: LabelTable, more: str = SAME_SPLITS
) -> tuple[dict[str, Rows], tuple[str, ...]]:
    """Train, val and test of a data folder that names no split, and a remark; it ends in ``more``.

    Raises:
        DataError: there are too few images.
    """
    try:
        splits = stratified_split(table, USUAL_SHARES, USUAL_SEED)
    except DataError as error:
        raise DataError(
            f"No split was given, and none can be drawn from {table.num_images} images. {error} Or "
            "name the splits in a column 'split': train, val, test."
        ) from None
    sizes = ", ".join(f"{len(rows)} {name}" for name, rows in splits.items())
    return splits, (
        f"No split was given: {sizes} were drawn so that every class has its share of each. {more}",
    )


def imbalance(table: LabelTable, splits: Mapping[str, Rows]) -> float:
    """How unevenly positives are spread: 0 is even, 1 is chance for a single class.

    The largest deviation, over classes and splits, of the split's share of the class's positives
    from its share of the images, in standard deviations of a random split: shares of a class with
    k positives are ``sqrt(share * (1 - share) / k)`` off by chance. Thus rare classes, whose shares
    must be rough, do not drown the others.
    """
    total = sum(len(rows) for rows in splits.values())
    counted = [table.select(rows).counts().present for rows in splits.values()]
    positives = np.sum(counted, axis=0)
    some = positives > 0
    worst = 0.0
    for rows, present in zip(splits.values(), counted, strict=True):
        wanted = len(rows) / max(1, total)
        if 0 < wanted < 1 and some.any():
            off = np.abs(present[some] / positives[some] - wanted)
            scaled = off * np.sqrt(positives[some] / (wanted * (1 - wanted)))
            worst = max(worst, float(scaled.max()))
    return worst


def _check(shares: Mapping[str, float]) -> None:
    names = ", ".join(map(repr, shares)) or "nothing"
    if "train" not in shares or not set(shares) <= set(SPLITS):
        raise ConfigError(f"Shares must be of train, and of val, test or both; got {names}.")
    for name, share in shares.items():
        if not (isinstance(share, (int, float)) and 0 < share <= 1):
            raise ConfigError(
                f"The share of {name} must be a number above 0 and at most 1, got {share!r}. Leave "
                "out a split that is not wanted."
            )
    total = math.fsum(shares.values())
    if abs(total - 1) > 1e-9:
        raise ConfigError(f"Shares must add up to 1; those of {names} add up to {total:.12g}.")


def _assign(table: LabelTable, shares: np.ndarray, seed: int, names: list[str]) -> np.ndarray:
    """(N,) the number of the split of each image."""
    generator = np.random.RandomState(seed)
    num_classes, train = table.num_classes, names.index("train")
    # Column c is "class c is present", column C + c "class c is absent".
    columns = table.columns.astype(np.int32)
    columns[table.states != PRESENT] += num_classes
    holders = generator.permutation(table.num_images)
    rank = np.empty(table.num_images, dtype=np.int32)
    rank[holders] = np.arange(table.num_images)
    rows = np.repeat(np.arange(table.num_images, dtype=np.int32), np.diff(table.offsets))
    by_column = rows[np.lexsort((rank[rows], columns))]
    begins = offsets_of(columns, 2 * num_classes).tolist()
    remaining = np.diff(begins)
    wanted = remaining[:, None] * shares  # (2C, splits) labels that a split still wants
    room = table.num_images * shares
    offsets = table.offsets.tolist()
    waiting = remaining[:num_classes] > 0  # classes without a positive in train
    folds = np.full(table.num_images, -1, dtype=np.int8)

    def put(row: int, fold: int) -> None:
        own = columns[offsets[row] : offsets[row + 1]]
        folds[row] = fold
        room[fold] -= 1
        remaining[own] -= 1
        wanted[own, fold] -= 1
        if fold == train:
            waiting[own[own < num_classes]] = False

    def greediest(wishes: np.ndarray) -> int:
        best = np.flatnonzero(wishes == wishes.max())
        best = best[room[best] == room[best].max()]
        return int(best[0] if len(best) == 1 else generator.choice(best))

    def last_chance(row: int) -> bool:
        if not waiting.any():
            return False
        own = columns[offsets[row] : offsets[row + 1]]
        own = own[own < num_classes]
        return bool((waiting[own] & (remaining[own] == 1)).any())

    while remaining.any():
        column = int(np.where(remaining > 0, remaining, np.iinfo(np.int64).max).argmin())
        holding = by_column[begins[column] : begins[column + 1]]
        for row in holding[folds[holding] < 0].tolist():
            put(row, train if last_chance(row) else greediest(wanted[column]))
    for row in holders[folds[holders] < 0].tolist():
        put(row, greediest(room))
    return folds
