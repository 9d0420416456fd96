"""Reliability diagram: how many entries are present by score, before and after calibration."""

from collections.abc import Mapping, Sequence

from largeloss.report.figures import Axes, Curve

RELIABILITY = Axes(
    "present (%)",
    "share of entries that are present, in percent,",
    x_label="score (%)",
    maximum=100,
    digits=0,
    mark_warmup=False,
    limits=(0, 100),
)
_TITLES = {"before": "network", "after": "calibrated"}

Bins = Sequence[tuple[float, float]]
"""Mean score and share of present entries, fractions, of each bin that has entries."""


def reliability_curves(bins: Mapping[str, Bins]) -> tuple[Curve, ...]:
    """Of ``before`` and ``after``, with the line on which scores are what they say."""
    drawn = [
        Curve(
            _TITLES[which],
            tuple(round(100 * score) for score, _ in points),
            tuple(100 * present for _, present in points),
            hue=hue,
        )
        for hue, (which, points) in enumerate(bins.items(), start=1)
        if points
    ]
    return (Curve("as it should be", (0, 100), (0, 100), hue=0), *drawn) if drawn else ()
