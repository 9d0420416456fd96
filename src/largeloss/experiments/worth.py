"""What labels are worth: the share of completely labelled images that reaches the same mAP."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self

from largeloss.errors import ConfigError

Curve = tuple[tuple[float, float], ...]
"""Shares of the training images, ascending, and the test mAP of complete labels on each."""


@dataclass(frozen=True)
class Worth:
    """A share of the training images, in (0, 1], completely labelled."""

    share: float
    beyond: Literal["below", "above"] | None = None
    """Where the worth lies below the smallest share that was tried, or above the largest."""


@dataclass(frozen=True)
class Budget:
    """The shares of completely labelled images that have as many labels as the methods were shown.

    Of the training labels that were shown, averaged over the seeds.
    """

    positives: float
    """With as many present entries."""
    decisions: float
    """With as many entries that are present or absent: yes/no decisions."""
    all_positives: int
    """Of all training images, completely labelled."""
    all_decisions: int

    @classmethod
    def of(
        cls,
        shown: Sequence[tuple[int, int]],
        complete: Sequence[tuple[int, int]],
        share: float = 1.0,
    ) -> Self | None:
        """From the positives and decisions that each run was shown; None without any.

        Args:
            shown: Of the methods.
            complete: Of complete labels on ``share`` of the images.
            share: The largest that was tried.
        """
        (positives, decisions), (all_positives, all_decisions) = map(_means, (shown, complete))
        if not decisions or not all_positives:
            return None
        all_positives, all_decisions = all_positives / share, all_decisions / share
        return cls(
            positives / all_positives,
            decisions / all_decisions,
            round(all_positives),
            round(all_decisions),
        )


def _means(counts: Sequence[tuple[int, int]]) -> tuple[float, float]:
    firsts, seconds = zip(*counts, strict=True) if counts else ((0,), (0,))
    return statistics.fmean(firsts), statistics.fmean(seconds)


def parse_shares(text: str) -> tuple[float, ...]:
    """The shares in ``0.1,0.2,0.4``, ascending.

    Raises:
        ConfigError: no numbers; or as :func:`checked_shares`.
    """
    try:
        shares = [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise ConfigError(
            f"--complete takes shares between 0 and 1, such as 0.1,0.2,0.4, but got {text!r}."
        ) from None
    return checked_shares(shares)


def checked_shares(shares: Sequence[float]) -> tuple[float, ...]:
    """Shares for ``--complete``, ascending.

    Raises:
        ConfigError: one outside (0, 1), or twice; no numbers.
    """
    try:
        found = [float(share) for share in shares]
    except (TypeError, ValueError):
        found = [math.nan]  # one number, or no numbers
    distinct = {f"{share:g}" for share in found}  # as folders are named
    if not all(0 < share < 1 for share in found) or len(distinct) < len(found):
        listed = shares if any(map(math.isnan, found)) else ", ".join(f"{one:g}" for one in found)
        raise ConfigError(
            f"--complete takes shares between 0 and 1, each once to six digits, such as "
            f"0.1,0.2,0.4, but got {listed}. All images are the method 'full'."
        )
    return tuple(sorted(found))


def complete_curve(maps: Mapping[float, float]) -> Curve:
    """Share → mean test mAP as a curve that never falls: the nearest one in least squares.

    More labels are not worse, but for the noise of a few seeds; a curve that went down and up would
    give a mAP several worths.
    """
    from sklearn.isotonic import isotonic_regression  # slow to import

    shares = sorted(share for share, value in maps.items() if math.isfinite(value))
    if not shares:
        return ()
    fitted = isotonic_regression([maps[share] for share in shares])
    return tuple(zip(shares, map(float, fitted), strict=True))


def worth(curve: Curve, test_map: float) -> Worth | None:
    """The smallest share at which ``curve``, linear between its points, reaches ``test_map``.

    None where there is no curve, or ``test_map`` is not finite.
    """
    if not curve or not math.isfinite(test_map):
        return None
    (low, low_map), *further = curve
    if test_map < low_map:
        return Worth(low, "below")
    if test_map == low_map:
        return Worth(low)
    for high, high_map in further:
        if test_map <= high_map:
            return Worth(low + (high - low) * (test_map - low_map) / (high_map - low_map))
        low, low_map = high, high_map
    return Worth(low, "above")


def worth_range(
    curves: Mapping[int, Curve], test_maps: Mapping[int, float]
) -> tuple[Worth, Worth] | None:
    """The lowest and the highest worth of a method over its seeds, each by its seed's own curve.

    Both are by seed. None where fewer than two seeds have a worth.
    """
    found = [
        one
        for seed, test_map in test_maps.items()
        if (one := worth(curves.get(seed, ()), test_map)) is not None
    ]
    if len(found) < 2:
        return None
    order = {"below": -1, None: 0, "above": 1}
    ordered = sorted(found, key=lambda one: (one.share, order[one.beyond]))
    return ordered[0], ordered[-1]
