"""The report of a run or of a comparison: one HTML file without external requests."""

import base64
import hashlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from largeloss.analysis.corrections import Corrections
from largeloss.analysis.memorization import NUM_PARTS, Memorization
from largeloss.experiments.results import Comparison
from largeloss.files import write_text
from largeloss.labels.audit import Audit
from largeloss.report.cards import Cards
from largeloss.report.class_counts import ClassCounts, ends
from largeloss.report.class_table import ClassTable
from largeloss.report.figures import MAP, Axes, Curve, alike, curves_svg
from largeloss.report.flagged_table import VERDICTS, FlaggedTable
from largeloss.report.images import image_png
from largeloss.report.inline_svg import DARK_PALETTE, PALETTE
from largeloss.report.jinja import rendered
from largeloss.report.reliability import RELIABILITY
from largeloss.report.tables import below_comparison, comparison_columns, comparison_rows
from largeloss.report.trends import (
    COUNT,
    FIRST_EPOCH,
    LOSS,
    QUALITY,
    loss_curves,
    phases,
    quality_curves,
)
from largeloss.report.worth_figure import worth_axes, worth_curves

EMPTY = Comparison.of([])
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
    reliability: tuple[Curve, ...] = ()
    """Of a calibrated model, see :mod:`.reliability`."""
    memorization: tuple[tuple[str, Memorization], ...] = ()
    """Title and analysis of each run."""
    corrections: tuple[tuple[str, Corrections], ...] = ()
    flagged: FlaggedTable | None = None
    audit: Audit | None = None
    chosen_on_val: bool = True
    """Whether val chose the epoch of the weights; where not, it is the last one."""
    unavailable: Mapping[str, str] = field(default_factory=dict)
    """Part (``memorization``, ``corrections``, …) → why it is missing, and how to get it."""


def write_report(path: Path, report: ReportPage) -> None:
    """Writes the page atomically; creates its folder where missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    order = [curve.label for curve in report.curves]
    quality = quality_curves(report.corrections, order)
    losses = [(title, loss_curves(found.curves)) for title, found in report.memorization]
    within = [(title, _within_epoch_0(found)) for title, found in report.memorization[:1]]
    within = [(title, curves) for title, curves in within if _are_lines(curves)]
    loss_axes = alike(LOSS, (curves for _, curves in (*losses, *within)))
    comparison = report.comparison or EMPTY
    worth = worth_curves(comparison, order)
    script = rendered("flagged.js").strip()
    text = rendered(
        "report.html",
        report=report,
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        verdicts=VERDICTS,
        has_delta="Δ" in report.title or any(run.delta_rel is not None for run in comparison.runs),
        has_auto="Δ auto" in report.title
        or any(run.delta_rel == "auto" for run in comparison.runs),
        chart=_charts(),
        image=_image,
        ends=ends,
        columns=comparison_columns(comparison),
        rows=comparison_rows(comparison),
        split=comparison.test_split,
        worth=worth,
        worth_axes=worth_axes(comparison),
        worth_banded=any(curve.low is not None for curve in worth),
        below=below_comparison(comparison),
        banded=any(curve.low is not None for curve in report.curves),
        stopped=any(curve.ends for curve in report.curves),
        chosen=any(curve.marked is not None for curve in report.curves),
        map_axes=MAP,
        quality_axes=alike(QUALITY, (quality["precision"], quality["recall"])),
        count_axes=COUNT,
        reliability_axes=RELIABILITY,
        **quality,
        truth_known=any(
            epoch.verifiable for _, found in report.corrections for epoch in found.epochs
        ),
        phases=phases(report.memorization),
        loss_panels=[
            *((title, curves, loss_axes) for title, curves in losses),
            *(
                (f"{title}, within epoch 0", curves, replace(FIRST_EPOCH, limits=loss_axes.limits))
                for title, curves in within
            ),
        ],
        palette=PALETTE,
        dark_palette=DARK_PALETTE,
    )
    write_text(path, text)


def _within_epoch_0(found: Memorization) -> tuple[Curve, ...]:
    """Through the parts that had a step: an epoch may have fewer steps than parts."""
    curves = loss_curves(found.first_epoch, 100 // NUM_PARTS)
    return tuple(
        replace(curve, epochs=tuple(epochs), values=tuple(values))
        for curve in curves
        if curve.points
        for epochs, values in [zip(*curve.points, strict=True)]
    )


def _are_lines(curves: Sequence[Curve]) -> bool:
    return any(len(curve.points) > 1 for curve in curves)


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
