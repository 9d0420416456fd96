"""``largeloss analyze corrections``: how many flagged entries were missing tags?"""

from pathlib import Path
from typing import Annotated

import typer


def corrections(
    runs: Annotated[list[Path], typer.Argument(help="Runs trained with --record losses.")],
) -> None:
    """Precision and recall of what a method rejected or corrected, by epoch and by class."""
    from largeloss.runs.arguments import check_runs

    check_runs(runs)
    from largeloss.analysis.corrections import Quality
    from largeloss.analysis.corrections import corrections as analyse
    from largeloss.cli.console import out, say
    from largeloss.report.tables import text_table
    from largeloss.runs.recorded_labels import recorded_labels, write_analysis

    def cells(name: str, quality: Quality) -> tuple[str, ...]:
        shares = (quality.precision, quality.recall)
        shown = ("not known" if share is None else f"{100 * share:.1f}" for share in shares)
        return name, str(quality.flagged), *shown

    for run in runs:
        labels = recorded_labels(run)
        found = analyse(labels.recorded, labels.training, labels.reference, labels.classes)
        say(f"{run}: {labels.method}")
        for title, lines in (
            ("Epoch", [(str(e), quality) for e, quality in enumerate(found.epochs)]),
            ("Class, last epoch", list(found.classes.items())),
        ):
            titles = (title, "Flagged", "Precision (%)", "Recall (%)")
            out.print(text_table(titles, [cells(*line) for line in lines]))
        path = write_analysis(run, "corrections", {"method": labels.method, **found.as_json()})
        say(
            f"Precision: share of the flagged that were missing tags. Recall: share of the missing "
            f"tags that were flagged. Figures: {path}"
        )
