"""Tables and HTML pages from dataclasses. No result is computed here."""

from largeloss.report.cards import Card, Cards, FlaggedEntry
from largeloss.report.class_table import ClassLine, ClassTable, Interval
from largeloss.report.figures import Curve, curves_svg
from largeloss.report.html import ReportPage, write_report
from largeloss.report.images import image_png
from largeloss.report.tables import (
    Row,
    comparison_markdown,
    comparison_rows,
    comparison_table,
)
from largeloss.report.training_labels import TrainingLabels

__all__ = [
    "Card",
    "Cards",
    "ClassLine",
    "ClassTable",
    "Curve",
    "FlaggedEntry",
    "Interval",
    "ReportPage",
    "Row",
    "TrainingLabels",
    "comparison_markdown",
    "comparison_rows",
    "comparison_table",
    "curves_svg",
    "image_png",
    "write_report",
]
