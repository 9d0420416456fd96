"""Dataclasses become tables and pages; nothing is computed here."""

from largeloss.report.figures import MAP, Axes, Curve, curves_svg
from largeloss.report.html import Card, ReportPage, write_report
from largeloss.report.pictures import picture_png
from largeloss.report.tables import (
    METHOD_TITLES,
    Row,
    comparison_markdown,
    comparison_rows,
    comparison_table,
)

__all__ = [
    "MAP",
    "METHOD_TITLES",
    "Axes",
    "Card",
    "Curve",
    "ReportPage",
    "Row",
    "comparison_markdown",
    "comparison_rows",
    "comparison_table",
    "curves_svg",
    "picture_png",
    "write_report",
]
