"""Hiding labels, for experiments on complete tables: a new table each time, seeded."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from largeloss.errors import ConfigError
from largeloss.labels.table import ABSENT, PRESENT, LabelTable

FORMS = (
    "single-positive, positives=n,negatives=m, fraction=f or "
    "per-class-positives=n,per-class-negatives=m"
)


def single_positive(table: LabelTable, seed: int = 1200) -> LabelTable:
    """Keeps one positive an image, drawn at random; nothing else.

    An image without positives stays wholly unobserved.

    Source: the published stream of Cole et al., CVPR 2021, code.
    """
    return positives_and_negatives(table, 1, 0, seed)


def positives_and_negatives(
    table: LabelTable, positives: int, negatives: int, seed: int = 1200
) -> LabelTable:
    """Keeps up to ``positives`` positives and ``negatives`` negatives an image.

    One stream runs over the images: an image's positives are shuffled and the first kept, then its
    negatives likewise, also where none are kept.
    """
    _check(positives=positives, negatives=negatives)
    stream = np.random.RandomState(seed)
    kept = np.zeros(table.num_observed, dtype=bool)
    for first, last in zip(table.offsets[:-1], table.offsets[1:], strict=True):
        states = table.states[first:last]
        for state, number in ((PRESENT, positives), (ABSENT, negatives)):
            members = np.flatnonzero(states == state)
            stream.shuffle(members)
            kept[first + members[:number]] = True
    return _only(table, kept)


def fraction(table: LabelTable, share: float, seed: int = 1200) -> LabelTable:
    """Keeps ``round(share * observed entries)`` entries, drawn uniformly."""
    if not 0 <= share <= 1:
        raise ConfigError(f"The fraction of entries to keep must lie in [0, 1], got {share}.")
    stream = np.random.RandomState(seed)
    order = stream.permutation(table.num_observed)
    kept = np.zeros(table.num_observed, dtype=bool)
    kept[order[: round(share * table.num_observed)]] = True
    return _only(table, kept)


def per_class(table: LabelTable, positives: int, negatives: int, seed: int = 1200) -> LabelTable:
    """Keeps up to ``positives`` positives and ``negatives`` negatives of each class."""
    _check(positives=positives, negatives=negatives)
    stream = np.random.RandomState(seed)
    kept = np.zeros(table.num_observed, dtype=bool)
    for column in range(table.num_classes):
        for state, number in ((PRESENT, positives), (ABSENT, negatives)):
            members = np.flatnonzero((table.columns == column) & (table.states == state))
            stream.shuffle(members)
            kept[members[:number]] = True
    return _only(table, kept)


def observe(table: LabelTable, rule: str, seed: int = 1200) -> LabelTable:
    """Hides labels by a rule in words, as the command line takes it.

    Raises:
        ConfigError: no such rule.
    """
    if rule == "single-positive":
        return single_positive(table, seed)
    try:
        values = {
            name.strip(): float(value)
            for name, value in (part.split("=") for part in rule.split(","))
        }
    except ValueError:
        values = {}
    if set(values) == {"fraction"}:
        return fraction(table, values["fraction"], seed)
    rules: dict[str, Callable[[LabelTable, int, int, int], LabelTable]] = {
        "": positives_and_negatives,
        "per-class-": per_class,
    }
    for prefix, hide in rules.items():
        names = [prefix + "positives", prefix + "negatives"]
        whole = all(value.is_integer() for value in values.values())
        if values and set(values) <= set(names) and whole:
            numbers = [int(values.get(name, 0)) for name in names]
            return hide(table, numbers[0], numbers[1], seed)
    raise ConfigError(f"There is no rule {rule!r} for hiding labels. Write {FORMS}.")


def _check(**numbers: int) -> None:
    for name, number in numbers.items():
        if number < 0:
            raise ConfigError(f"The number of {name} to keep must be 0 or more, got {number}.")


def _only(table: LabelTable, kept: NDArray[np.bool_]) -> LabelTable:
    rows, columns, states = table.entries()
    return LabelTable.from_entries(
        rows[kept], columns[kept], states[kept], images=table.images, classes=table.classes
    )
