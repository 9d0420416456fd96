"""Results on the screen: of a run, class by class, and of groups of classes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from largeloss.cli.console import out, say
from largeloss.report.tables import text_table
from largeloss.training.evaluation import RULES

if TYPE_CHECKING:
    from largeloss.runs.grouped_map import GroupedFigures
    from largeloss.runs.result import RunResult


def print_result(result: "RunResult", folder: Path) -> None:
    """The figures of a finished run, class by class."""
    out.print(class_table(result.test_ap, result.test_counts))
    interval = interval_in_words(result.test_map_interval)
    say(
        f"Test mAP {result.test_map:.1f}{interval} with the weights of the best val epoch "
        f"({result.best_epoch}), {result.last_test_map:.1f} with those of the last. "
        f"Measured by {RULES[result.test_rule]}."
    )
    if result.test_classes_without_positives:
        say(classes_without_positives(result.test_classes_without_positives))
    if result.num_corrections:
        say(
            f"{result.num_corrections} blank training entries were labelled by the method: "
            f"{folder / 'corrections.parquet'}"
        )
    say(f"Weights: {folder / 'best'}   Next: largeloss predict {folder} IMAGES --out scores.csv")


def interval_in_words(interval: Sequence[float] | None) -> str:
    """How far a mAP is to be trusted, in brackets; empty where that was not computed."""
    if interval is None:
        return ""
    return " (95 % bootstrap interval over the images: {:.1f} to {:.1f})".format(*interval)


def class_table(ap: Mapping[str, float], counts: Mapping[str, Sequence[int]]) -> Table:
    """Average precision by class, and why where there is none."""
    rows = []
    for name, value in ap.items():
        present, absent, _ = counts[name]
        shown = f"{100 * value:.1f}"
        if not present:
            shown = "not measurable: nowhere present"
        elif not absent:
            shown = "not measurable: nowhere absent"
        rows.append((name, *map(str, counts[name]), shown))
    return text_table(("Class", "Present", "Absent", "Unknown", "AP"), rows)


def classes_without_positives(number: int) -> str:
    """How such classes count in the mean."""
    return (
        f"{number} of the classes are present in no image of the split; they count as 0 in the "
        "mean, as in published results."
    )


def group_table(figures: "GroupedFigures") -> Table:
    """mAP by groups of classes."""

    def shown(value: float | None) -> str:
        return "not measurable" if value is None else f"{value:.1f}"

    measured = figures.measured
    columns = figures.annotations, measured.num_counted, measured.groups
    rows = [
        (f"G{number}", f"{low} to {high}", str(counted), shown(value))
        for number, ((low, high), counted, value) in enumerate(zip(*columns, strict=True), start=1)
    ]
    rows.append(("all", "", str(sum(measured.num_counted)), shown(measured.all)))
    return text_table(("Group", "Train annotations", "Classes", "mAP (%)"), rows)
