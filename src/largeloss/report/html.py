"""The report of a run or of a comparison: one HTML file without external requests."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from largeloss.analysis.corrections import Corrections
from largeloss.analysis.memorization import NUM_PARTS, Memorization
from largeloss.experiments.results import Comparison
from largeloss.files import write_text
from largeloss.report.cards import Cards
from largeloss.report.class_counts import ClassCounts, ends
from largeloss.report.class_table import ClassTable
from largeloss.report.figures import DARK_PALETTE, MAP, PALETTE, Axes, Curve, curves_svg
from largeloss.report.images import image_png
from largeloss.report.jinja import rendered
from largeloss.report.tables import COLUMNS, comparison_rows
from largeloss.report.trends import (
    COUNT,
    FIRST_EPOCH,
    LOSS,
    QUALITY,
    loss_curves,
    phases,
    quality_curves,
)

CARD_SIDE = 216
"""Longer side of an image in pixels, approximately."""


@dataclass(frozen=True)
class ReportPage:
    """The content of the page. Parts without data are left out."""

    title: str
    lead: str
    command: str
    """The command that writes the page or the run again."""
    comparison: Comparison | None = None
    curves: tuple[Curve, ...] = ()
    cards: Cards | None = None
    settings: tuple[tuple[str, str], ...] = ()
    """Name and value of each setting, and of the environment."""
    notes: tuple[str, ...] = ()
    """Remarks on the results."""
    curves_title: str = "mAP on val after each epoch"
    summary: tuple[tuple[str, str], ...] = ()
    """Name and value of the most important figures, at the top of the page."""
    labels: tuple[ClassCounts, ...] = ()
    """By class, the most frequent first."""
    classes: ClassTable | None = None
    memorization: tuple[tuple[str, Memorization], ...] = ()
    """Title and analysis of each run."""
    corrections: tuple[tuple[str, Corrections], ...] = ()
    unavailable: Mapping[str, str] = field(default_factory=dict)
    """Part (``memorization``, ``corrections``, …) → why it is missing, and how to get it."""


def write_report(path: Path, report: ReportPage) -> None:
    """Writes the page atomically; creates its folder where missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    order = [curve.label for curve in report.curves]
    text = rendered(
        "report.html",
        report=report,
        chart=_charts(),
        image=_image,
        ends=ends,
        columns=COLUMNS,
        rows=comparison_rows(report.comparison) if report.comparison else [],
        banded=any(curve.low is not None for curve in report.curves),
        stopped=any(curve.ends for curve in report.curves),
        chosen=any(curve.marked is not None for curve in report.curves),
        map_axes=MAP,
        quality_axes=QUALITY,
        count_axes=COUNT,
        **quality_curves(report.corrections, order),
        phases=phases(report.memorization),
        loss_curves=[(t, loss_curves(found.curves), LOSS) for t, found in report.memorization],
        first_epoch=[
            (title, loss_curves(found.first_epoch, 100 // NUM_PARTS), FIRST_EPOCH)
            for title, found in report.memorization
        ],
        palette=PALETTE,
        dark_palette=DARK_PALETTE,
    )
    write_text(path, text)


def _charts() -> Callable[[Sequence[Curve], Axes], str]:
    """Draws charts in a wide and a narrow version, each with a unique name on the page."""
    numbers = itertools.count(1)

    def chart(curves: Sequence[Curve], axes: Axes) -> str:
        number = next(numbers)
        drawings = [
            (kind, curves_svg(curves, axes=axes, size=size, name=f"{kind}-{number}"))
            for kind, size in (("wide", (760, 400)), ("narrow", (360, 330)))
        ]
        # Templates mark this as safe: the drawing escapes its labels. The style sheet shows one.
        return "\n".join(f'<div class="{kind}">{svg}</div>' for kind, svg in drawings if svg)

    return chart


def _image(pixels: NDArray[np.uint8]) -> str:
    """A ``data:`` URI; small images are enlarged by a whole factor, so that pixels stay square."""
    side: int = max(pixels.shape[:2])
    return image_png(pixels, max(1, CARD_SIDE // side) if side <= CARD_SIDE else CARD_SIDE / side)
