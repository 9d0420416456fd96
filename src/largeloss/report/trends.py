"""Curves and table rows of the analyses of memorisation and corrections."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from largeloss.analysis.corrections import Corrections, Quality
from largeloss.analysis.memorization import Memorization
from largeloss.analysis.recorded import KINDS
from largeloss.experiments.published import MEMORIZATION
from largeloss.report.figures import Axes, Curve

KIND_TITLES = {"TN": "blank, absent", "FN": "blank, present", "TP": "tagged"}
"""In the order of their colours in the page's palette: grey, orange, blue."""
QUALITY = Axes("%", "percent", maximum=100)
COUNT = Axes("entries", "numbers of entries", digits=0)
LOSS = Axes("mean loss (nats)", "mean loss in nats", digits=3, log=True)
FIRST_EPOCH = replace(LOSS, x_label="part of epoch 0 (%)", mark_warmup=False)
PHASES_LEGEND = (
    "TP: observed positives. TN: unobserved and truly absent. FN: unobserved and truly present, "
    "the missing tags. Warm-up: epoch 0. Published: Kim et al., CVPR 2022, Naive AN."
)

Phases = list[tuple[str, str, tuple[str, ...]]]


def phases(runs: Sequence[tuple[str, Memorization]]) -> Phases:
    """(title, phase, shares in percent by kind); the published rows come last.

    Source: Kim et al., CVPR 2022, table 1.
    """
    rows: Phases = []
    for title, found in runs:
        for phase, values in (("warm-up", found.warmup), ("regular", found.regular)):
            cells = tuple("–" if share is None else f"{100 * share:.1f}" for share in values)
            rows.append((title, phase, cells))
    columns = MEMORIZATION.columns if rows else ()
    for block, phase in dict.fromkeys((column.block, column.keys[1]) for column in columns):
        shares = (
            MEMORIZATION.published("an", column)
            for column in columns
            if (column.block, column.keys[1]) == (block, phase)
        )
        cells = tuple(f"{share:.1f}" for share in shares)
        rows.append((f"Naive AN on {block}, published", phase, cells))
    return rows


def quality_curves(
    runs: Sequence[tuple[str, Corrections]], order: Sequence[str]
) -> dict[str, tuple[Curve, ...]]:
    """``precision`` and ``recall`` in percent and numbers ``flagged``: one curve per run each.

    ``order`` has the titles of all runs of the page, in the order of their colours.
    """
    values: dict[str, Callable[[Quality], float]] = {
        "precision": lambda quality: _percent(quality.precision),
        "recall": lambda quality: _percent(quality.recall),
        "flagged": lambda quality: quality.flagged,
    }
    return {
        name: tuple(
            Curve(
                title,
                tuple(range(len(found.epochs))),
                tuple(map(value, found.epochs)),
                hue=order.index(title) if title in order else None,
            )
            for title, found in runs
        )
        for name, value in values.items()
    }


def _percent(share: float | None) -> float:
    return math.nan if share is None else 100 * share


def loss_curves(values: Sequence[Sequence[float | None]], step: int = 1) -> tuple[Curve, ...]:
    """Mean losses of each kind of entry: in each epoch, or at every ``step`` percent of one."""
    first = 0 if step == 1 else step
    return tuple(
        Curve(
            title,
            tuple(range(first, first + step * len(values[0]), step)),
            tuple(math.nan if mean is None else mean for mean in values[KINDS.index(kind)]),
        )
        for kind, title in KIND_TITLES.items()
    )
