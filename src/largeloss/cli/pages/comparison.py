"""The report of a comparison."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from largeloss.cli.execute import saved_config
from largeloss.cli.pages.curves import mean_curve
from largeloss.cli.pages.facts import facts
from largeloss.cli.pages.missing_tags import recorded_cards
from largeloss.cli.pages.recorded import Reader, analyses
from largeloss.cli.pages.run import OLD, titled, training_labels
from largeloss.errors import LargelossError
from largeloss.experiments.results import Comparison
from largeloss.report import ClassLine, ClassTable, Interval, ReportPage
from largeloss.training.run_folder import RunFolder


@dataclass(frozen=True)
class Compared:
    """A finished run of a comparison."""

    folder: Path
    result: dict[str, Any]

    @property
    def title(self) -> str:
        """The method with its Delta."""
        return titled(self.result["method"], self.result["delta_rel"])


@dataclass(frozen=True)
class Said:
    """What the page says beside what the runs tell."""

    title: str
    lead: str
    command: str
    notes: tuple[str, ...] = ()
    curve: str = "val_map"
    """The column of ``metrics.csv`` that is drawn."""


def comparison_page(
    comparison: Comparison, folders: Sequence[Path], read: Reader, said: Said
) -> ReportPage:
    """All that finished runs tell.

    Args:
        comparison: Of the runs.
        folders: Of the runs.
        read: Gives a run's data.
        said: Title, command and so on.
    """
    runs = [Compared(folder, RunFolder(folder).result()) for folder in folders]
    by_title: dict[str, list[Compared]] = {}
    for run in runs:
        by_title.setdefault(run.title, []).append(run)
    first = [group[0] for group in by_title.values()]
    partial = [run for run in first if run.result["method"] != "full"]
    found = analyses([(run.title, run.folder) for run in partial], read)
    missing = dict(found.missing)
    cards = None
    flagging = [labels for labels in found.labels if labels.recorded.any_flagged]
    if flagging:
        try:
            data = read(saved_config(flagging[0].run))
            cards = recorded_cards(flagging[0], data)
        except LargelossError as error:
            missing["cards"] = f"Images cannot be shown: {error}"
    labels = training_labels((partial or first)[0].result)
    if not labels:
        missing["labels"] = OLD
    configs = [saved_config(run.folder) for run in runs]
    return ReportPage(
        title=said.title,
        lead=said.lead,
        command=said.command,
        comparison=comparison,
        curves=tuple(
            mean_curve(title, [run.folder for run in group], said.curve)
            for title, group in by_title.items()
        ),
        curves_title=f"mAP on {said.curve.removesuffix('_map')} after each epoch",
        cards=cards,
        notes=said.notes,
        facts=facts(configs, first[0].result["environment"]),
        labels=labels,
        classes=_classes(by_title),
        memorization=found.memorization,
        corrections=found.corrections,
        missing=missing,
    )


def _classes(by_title: dict[str, list[Compared]]) -> ClassTable:
    groups = list(by_title.values())
    lines = []
    for name, (present, absent, unknown) in groups[0][0].result["test_counts"].items():
        intervals = tuple(
            Interval.of([run.result["test_ap"][name] for run in group]) for group in groups
        )
        lines.append(ClassLine(name, present, absent, unknown, intervals))
    ordered = tuple(sorted(lines, key=lambda line: -line.present))
    return ClassTable(tuple(by_title), ordered, max(map(len, groups)))
