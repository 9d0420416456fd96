"""Dataclasses become tables and pages; nothing is computed here."""

from largeloss.report.cards import DOINGS, Card, Cards, FlaggedEntry
from largeloss.report.class_table import ClassLine, ClassTable, Interval
from largeloss.report.figures import MAP, Axes, Curve, curves_svg
from largeloss.report.html import ReportPage, write_report
from largeloss.report.images import image_png
from largeloss.report.tables import (
    METHOD_TITLES,
    Row,
    comparison_markdown,
    comparison_rows,
    comparison_table,
)
from largeloss.report.training_labels import TrainingLabels

__all__ = [
    "DOINGS",
    "MAP",
    "METHOD_TITLES",
    "Axes",
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
