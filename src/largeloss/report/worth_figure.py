"""Test mAP of complete labels on shares of the images, and where each method lies on it."""

from collections.abc import Sequence
from dataclasses import replace

from largeloss.experiments.results import Comparison, MethodSummary
from largeloss.losses import FullLabel
from largeloss.report.figures import Axes, Curve
from largeloss.report.tables import delta_title

_X = "completely labelled images (%)"


def worth_curves(comparison: Comparison, order: Sequence[str] = ()) -> tuple[Curve, ...]:
    """Complete labels as a curve over shares in percent, each method as a level with a ring on it.

    Empty where shares were not tried. ``order`` has titles in the order of their colours.
    """
    if not comparison.curve:
        return ()
    shares = [share for share, _ in comparison.curve]
    seeds = [
        [
            run.test_map
            for run in comparison.runs
            if run.method == FullLabel.name and run.share == share
        ]
        for share in shares
    ]
    several = len(seeds[0]) > 1
    complete = Curve(
        FullLabel.title,
        tuple(100 * share for share in shares),
        tuple(value for _, value in comparison.curve),
        tuple(map(min, seeds)) if several else None,
        tuple(map(max, seeds)) if several else None,
        hue=_hue(order, FullLabel.title, 0),
        dotted=True,
    )
    methods = [line for line in comparison.summary if line.method != FullLabel.name]
    levels = [_level(line, order, place) for place, line in enumerate(methods, start=1)]
    return (complete, *levels)


def worth_axes(comparison: Comparison) -> Axes:
    """From no image to all; below the ticks as many positives and yes/no decisions."""
    budget = comparison.budget
    axes = Axes(
        f"{comparison.test_split} mAP (%)",
        f"{comparison.test_split} mAP in percent",
        x_label=_X,
        maximum=100,
        mark_warmup=False,
        x_limits=(0, 100),
    )
    if budget is None:
        return axes
    return replace(
        axes,
        x_label=f"{_X},\ntheir positives, their yes/no decisions",
        x_scales=(budget.all_positives / 100, budget.all_decisions / 100),
        x_marks=(
            (100 * budget.positives, "as many positives"),
            (100 * budget.decisions, "as many decisions"),
        ),
    )


def _level(line: MethodSummary, order: Sequence[str], otherwise: int) -> Curve:
    """What a method reaches, from edge to edge, with a ring where complete labels reach it."""
    title, met = delta_title(line.method, line.delta_rel), None
    if line.worth is not None and line.worth.beyond is None:
        met = 100 * line.worth.share
    places = sorted({0.0, 100.0 if met is None else met, 100.0})
    return Curve(
        title,
        tuple(places),
        (line.mean,) * len(places),
        marked=met,
        hue=_hue(order, title, otherwise),
    )


def _hue(order: Sequence[str], title: str, otherwise: int) -> int:
    return order.index(title) if title in order else otherwise
