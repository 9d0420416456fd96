"""The report of a run or of a comparison: one HTML file that needs nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray

from largeloss.analysis.corrections import Corrections
from largeloss.analysis.memorization import Memorization
from largeloss.experiments.results import Comparison
from largeloss.files import write_text
from largeloss.report.cards import Cards
from largeloss.report.class_table import ClassTable
from largeloss.report.ends import ends
from largeloss.report.figures import DARK_PALETTE, MAP, PALETTE, Axes, Curve, curves_svg
from largeloss.report.images import image_png
from largeloss.report.tables import COLUMNS, comparison_rows
from largeloss.report.training_labels import TrainingLabels
from largeloss.report.trends import (
    COUNT,
    QUALITY,
    first_epoch,
    flagged,
    loss_curves,
    phases,
    precision,
    recall,
)

CARD_SIDE = 216
"""Of an image's longer side in pixels, about."""
CLASSES = 40
"""So many of the most and of the least frequent classes are shown; all where there are few."""


@dataclass(frozen=True)
class ReportPage:
    """All that the page says. Parts without data are left out."""

    title: str
    lead: str
    command: str
    """What makes the page again."""
    comparison: Comparison | None = None
    curves: tuple[Curve, ...] = ()
    cards: Cards | None = None
    facts: tuple[tuple[str, str], ...] = ()
    """Settings and environment."""
    notes: tuple[str, ...] = ()
    """Remarks."""
    curves_title: str = "mAP on val after each epoch"
    glance: tuple[tuple[str, str], ...] = ()
    """The figures to see first: what, and how much."""
    labels: tuple[TrainingLabels, ...] = ()
    """By class, the most frequent first."""
    classes: ClassTable | None = None
    memorization: tuple[tuple[str, Memorization], ...] = ()
    """Runs as displayed, and their analyses."""
    corrections: tuple[tuple[str, Corrections], ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    """Part (``memorization``, ``corrections``, …) → why it is not there, and how to get it."""


def write_report(path: Path, report: ReportPage) -> None:
    """Writes the page, in folders that are made where missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, _rendered(report))


def _rendered(report: ReportPage) -> str:
    environment = Environment(
        loader=PackageLoader("largeloss.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = lambda value: f"{value:,}"
    environment.filters["percent"] = lambda share: "–" if share is None else f"{100 * share:.1f}"
    environment.globals.update(chart=Charts(), image=_image, ends=_ends)
    order = [curve.label for curve in report.curves]
    return environment.get_template("report.html").render(
        report=report,
        columns=COLUMNS,
        rows=comparison_rows(report.comparison) if report.comparison else [],
        banded=any(curve.low is not None for curve in report.curves),
        chosen=any(curve.marked is not None for curve in report.curves),
        map_axes=MAP,
        quality_axes=QUALITY,
        count_axes=COUNT,
        precision=precision(report.corrections, order),
        recall=recall(report.corrections, order),
        flagged=flagged(report.corrections, order),
        phases=phases(report.memorization),
        loss_curves=[(title, *loss_curves(found)) for title, found in report.memorization],
        first_epoch=[(title, *first_epoch(found)) for title, found in report.memorization],
        palette=PALETTE,
        dark_palette=DARK_PALETTE,
    )


class Charts:
    """Draws charts, wide and narrow, and gives each a name of its own on the page."""

    def __init__(self) -> None:
        self.drawn = 0

    def __call__(
        self, curves: Sequence[Curve], axes: Axes, width: int = 760, height: int = 400
    ) -> Markup:
        """Both drawings; the style sheet shows one. Empty where nothing can be drawn."""
        self.drawn += 1
        sizes = {"wide": (width, height), "narrow": (360, 330)}
        drawings = {
            kind: curves_svg(
                curves, axes=axes, width=size[0], height=size[1], name=f"{kind}-{self.drawn}"
            )
            for kind, size in sizes.items()
        }
        if not drawings["wide"]:
            return Markup()
        # The drawing escapes its labels.
        parts = (f'<div class="{kind}">{drawing}</div>' for kind, drawing in drawings.items())
        return Markup("\n".join(parts))


def _ends(rows: Sequence[Any]) -> tuple[Sequence[Any], int, Sequence[Any]]:
    return ends(rows, CLASSES)


def _image(pixels: NDArray[np.uint8]) -> str:
    """Small images are enlarged by a whole factor, so that their pixels stay square."""
    side: int = max(pixels.shape[:2])
    return image_png(pixels, max(1, CARD_SIDE // side) if side <= CARD_SIDE else CARD_SIDE / side)
