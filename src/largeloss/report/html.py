"""The report: one HTML file that needs nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray

from largeloss.experiments.results import Comparison
from largeloss.report.figures import DARK_PALETTE, PALETTE, Curve, curves_svg
from largeloss.report.pictures import picture_png
from largeloss.report.tables import COLUMNS, comparison_rows

CARD_SIDE = 216
"""Of a picture's longer side in pixels, about."""


@dataclass(frozen=True)
class Card:
    """A training picture: what its labels said, what LL-R made of them, and the truth."""

    picture: NDArray[np.uint8]
    """(H, W) or (H, W, 3)."""
    given: tuple[str, ...]
    """Tags that the training saw."""
    rejected: tuple[str, ...]
    """Classes whose entries were left out of the loss in the last epoch."""
    truth: tuple[str, ...]
    """All classes in the picture."""

    @property
    def verdicts(self) -> tuple[tuple[str, Literal["rightly", "wrongly"]], ...]:
        """Each rejected class; rightly where its tag was missing."""
        missing = set(self.truth) - set(self.given)
        return tuple((name, "rightly" if name in missing else "wrongly") for name in self.rejected)


@dataclass(frozen=True)
class ReportPage:
    """All that the page says. Parts without data are left out."""

    title: str
    lead: str
    command: str
    """What makes the page again."""
    comparison: Comparison
    curves: tuple[Curve, ...]
    cards: tuple[Card, ...]
    facts: tuple[tuple[str, str], ...]
    """Settings and environment."""
    notes: tuple[str, ...]
    """Remarks on the table."""
    curves_title: str = "Test mAP after each epoch"
    cards_title: str = ""
    """A plain heading where empty."""


def write_report(path: Path, report: ReportPage) -> None:
    """Writes the page, in folders that are made where missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_rendered(report), encoding="utf-8", newline="\n")


def _rendered(report: ReportPage) -> str:
    environment = Environment(
        loader=PackageLoader("largeloss.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html").render(
        report=report,
        columns=COLUMNS,
        rows=comparison_rows(report.comparison),
        wide=_drawing(report.curves, 760, 400, "wide"),
        narrow=_drawing(report.curves, 360, 330, "narrow"),
        cards=[(card, picture_png(card.picture, _scale(card.picture))) for card in report.cards],
        banded=any(curve.low is not None for curve in report.curves),
        palette=PALETTE,
        dark_palette=DARK_PALETTE,
    )


def _drawing(curves: Sequence[Curve], width: float, height: float, name: str) -> Markup:
    return Markup(curves_svg(curves, width=width, height=height, name=name))  # escapes its labels


def _scale(picture: NDArray[np.uint8]) -> float:
    """Small pictures by a whole factor, so that their pixels stay square."""
    side: int = max(picture.shape[:2])
    return max(1, CARD_SIDE // side) if side <= CARD_SIDE else CARD_SIDE / side
