"""From a table to one with fewer labels: published protocols and their relatives, seeded.

All streams are those of NumPy's ``RandomState``, which never change.
"""

import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from largeloss.errors import ConfigError
from largeloss.labels.entries import Ints
from largeloss.labels.table import ABSENT, PRESENT, LabelTable

FORMS = (
    "single-positive",
    "positives=2,negatives=3",
    "fraction=0.1",
    "per-class-positives=5,per-class-negatives=10",
)
"""One example of each rule that :func:`observe` understands."""


def observe(table: LabelTable, rule: str, seed: int = 1200) -> LabelTable:
    """``table`` with labels hidden by ``rule``, written as on the command line (see ``FORMS``).

    Of ``positives`` and ``negatives`` either may be left out, which keeps none of them.

    Raises:
        ConfigError: another text, or a number out of range; the message shows the forms.
    """
    if rule.strip() == "single-positive":
        return single_positive(table, seed)
    settings = _settings(rule)
    names = set(settings)
    if names == {"fraction"}:
        return fraction(table, settings["fraction"], seed)
    for prefix, function in (("", positives_and_negatives), ("per-class-", per_class)):
        if names <= {prefix + "positives", prefix + "negatives"}:
            positives, negatives = (
                int(settings.get(prefix + kind, 0)) for kind in ("positives", "negatives")
            )
            return function(table, positives, negatives, seed)
    raise _wrong(rule)


def single_positive(table: LabelTable, seed: int = 1200) -> LabelTable:
    """One positive per image, drawn at random; everything else becomes unobserved.

    An image without positives keeps nothing. Source: the code of Cole et al., CVPR 2021, whose
    draws this reproduces: it also shuffles every image's negatives and keeps none.
    """
    return positives_and_negatives(table, 1, 0, seed)


def positives_and_negatives(
    table: LabelTable, positives: int, negatives: int, seed: int = 1200
) -> LabelTable:
    """Up to so many observed positives and negatives of each image, drawn at random.

    Raises: ConfigError for a number below 0.
    """
    rows = table.entries().rows
    return _only(table, _drawn(table, rows, table.num_images, positives, negatives, seed))


def per_class(table: LabelTable, positives: int, negatives: int, seed: int = 1200) -> LabelTable:
    """Up to so many observed positives and negatives of each class, drawn at random.

    Raises: ConfigError for a number below 0.
    """
    return _only(table, _drawn(table, table.columns, table.num_classes, positives, negatives, seed))


def fraction(table: LabelTable, share: float, seed: int = 1200) -> LabelTable:
    """``round(share * table.num_observed)`` of the observed entries, drawn uniformly.

    Raises: ConfigError for a share outside [0, 1].
    """
    if not 0 <= share <= 1:
        raise ConfigError(f"A fraction must be in [0, 1], got {share}.")
    order = np.random.RandomState(seed).permutation(table.num_observed)
    return _only(table, order[: round(share * table.num_observed)])


def _drawn(
    table: LabelTable,
    groups: NDArray[np.integer],
    num_groups: int,
    positives: int,
    negatives: int,
    seed: int,
) -> Ints:
    """Positions of the entries kept: the first few of each group after a shuffle."""
    if positives < 0 or negatives < 0:
        raise ConfigError(f"Labels to keep must be 0 or more, got {positives} and {negatives}.")
    generator = np.random.RandomState(seed)
    piles = []
    for state in (PRESENT, ABSENT):
        positions = np.flatnonzero(table.states == state)
        order = positions[np.argsort(groups[positions], kind="stable")]
        sizes = np.bincount(groups[positions], minlength=num_groups)
        piles.append((order, sizes, np.concatenate([[0], np.cumsum(sizes)]).tolist()))
    (present, _, bounds), (absent, _, borders) = piles
    # The negatives are shuffled even where none is kept: the published draws depend on it.
    for group in range(num_groups):
        generator.shuffle(present[bounds[group] : bounds[group + 1]])
        generator.shuffle(absent[borders[group] : borders[group + 1]])
    kept = []
    for (order, sizes, begins), limit in zip(piles, (positives, negatives), strict=True):
        place = np.arange(len(order)) - np.repeat(begins[:-1], sizes)
        kept.append(order[place < limit])
    return np.concatenate(kept)


def _only(table: LabelTable, positions: Ints) -> LabelTable:
    rows, columns, states = table.entries()
    kept = np.sort(positions)
    return LabelTable.from_entries(
        rows[kept], columns[kept], states[kept], images=table.images, classes=table.classes
    )


def _settings(rule: str) -> Mapping[str, float]:
    settings: dict[str, float] = {}
    for part in rule.split(","):
        name, _, value = part.strip().partition("=")
        number = r"\d+" if name != "fraction" else r"\d+(\.\d*)?|\.\d+"
        if name in settings or not re.fullmatch(number, value, re.ASCII):
            raise _wrong(rule)
        settings[name] = float(value) if name == "fraction" else int(value)
    return settings


def _wrong(rule: str) -> ConfigError:
    return ConfigError(
        f"Unknown rule {rule!r} for hiding labels. Write one of: {'; '.join(FORMS)}."
    )
