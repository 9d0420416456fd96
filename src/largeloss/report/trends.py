"""Curves and table rows of the analyses of memorisation and corrections."""

import math
from collections.abc import Callable, Sequence

from largeloss.analysis.corrections import Corrections, Quality
from largeloss.analysis.memorization import Memorization
from largeloss.analysis.recorded import KINDS
from largeloss.experiments.published import MEMORIZATION
from largeloss.report.figures import Axes, Curve

KIND_TITLES = {
    "TP": "tagged",
    "TN": "blank, absent",
    "FN": "blank, present",
}
QUALITY = Axes("%", "percent", maximum=100)
COUNT = Axes("entries", "numbers of entries", digits=0)
LOSS = Axes("mean loss (nats)", "mean loss in nats", digits=3, log=True)
FIRST_EPOCH = Axes(
    "mean loss (nats)",
    "mean loss in nats",
    "part of epoch 0 (%)",
    digits=3,
    mark_warmup=False,
    log=True,
)
PHASES_LEGEND = (
    "TP: observed positives. TN: unobserved and truly absent. FN: unobserved and truly present, "
    "the missing tags. Warm-up: epoch 0. Published: Kim et al., CVPR 2022, Naive AN."
)
_ORDER = ("TN", "FN", "TP")  # grey, orange, blue in the page's palette

Runs = Sequence[tuple[str, Corrections]]
Phases = list[tuple[str, str, tuple[str, ...]]]


def loss_curves(found: Memorization) -> tuple[tuple[Curve, ...], Axes]:
    """Mean loss of each kind of entry in each epoch."""
    return _by_kind(found.curves, 1), LOSS


def first_epoch(found: Memorization) -> tuple[tuple[Curve, ...], Axes]:
    """Mean loss of each kind of entry within epoch 0."""
    return _by_kind(found.first_epoch, 100 // len(found.first_epoch[0])), FIRST_EPOCH


def phases(runs: Sequence[tuple[str, Memorization]]) -> Phases:
    """(title, phase, shares in percent by kind); the published rows come last.

    Args:
        runs: Title and analysis of each run.

    Source: Kim et al., CVPR 2022, table 1.
    """
    rows: Phases = []
    for title, found in runs:
        for phase, values in (("warm-up", found.warmup), ("regular", found.regular)):
            cells = tuple("–" if share is None else f"{100 * share:.1f}" for share in values)
            rows.append((title, phase, cells))
    if rows:
        published = zip(MEMORIZATION.columns, MEMORIZATION.values["an"], strict=True)
        shares: dict[str, dict[tuple[str, ...], float | None]] = {}
        for column, value in published:
            shares.setdefault(column.block, {})[tuple(column.keys)] = value
        for block, by_keys in shares.items():
            for phase in ("warm-up", "regular"):
                cells = tuple(f"{by_keys[kind, phase]:.1f}" for kind in KINDS)
                rows.append((f"Naive AN on {block}, published", phase, cells))
    return rows


def precision(runs: Runs, order: Sequence[str]) -> tuple[Curve, ...]:
    """Share of the flagged entries that are missing tags, in percent: one curve a run.

    Args:
        runs: Title and analysis of each run.
        order: Titles of all runs of the page, in the order of their colours.
    """
    return _over_epochs(runs, order, lambda quality: _percent(quality.precision))


def recall(runs: Runs, order: Sequence[str]) -> tuple[Curve, ...]:
    """Share of the missing tags that were flagged, in percent; arguments as for ``precision``."""
    return _over_epochs(runs, order, lambda quality: _percent(quality.recall))


def flagged(runs: Runs, order: Sequence[str]) -> tuple[Curve, ...]:
    """Numbers of flagged entries; arguments as for ``precision``."""
    return _over_epochs(runs, order, lambda quality: quality.flagged)


def _percent(share: float | None) -> float:
    return math.nan if share is None else 100 * share


def _over_epochs(
    runs: Runs, order: Sequence[str], value: Callable[[Quality], float]
) -> tuple[Curve, ...]:
    return tuple(
        Curve(
            title,
            tuple(range(len(found.epochs))),
            tuple(map(value, found.epochs)),
            hue=order.index(title) if title in order else None,
        )
        for title, found in runs
    )


def _by_kind(values: Sequence[Sequence[float | None]], step: int) -> tuple[Curve, ...]:
    first = 0 if step == 1 else step
    return tuple(
        Curve(
            KIND_TITLES[kind],
            tuple(range(first, first + step * len(values[0]), step)),
            tuple(math.nan if mean is None else mean for mean in values[KINDS.index(kind)]),
        )
        for kind in _ORDER
    )
