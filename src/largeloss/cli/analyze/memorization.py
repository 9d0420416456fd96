"""``largeloss analyze memorization``: are missing tags memorised late?"""

from pathlib import Path
from typing import Annotated

import typer


def memorization(
    runs: Annotated[list[Path], typer.Argument(help="Runs trained with --record losses.")],
) -> None:
    """When each kind of training entry had its highest loss, as in the paper's table."""
    from largeloss.runs.arguments import check_runs

    check_runs(runs)
    from largeloss.analysis.memorization import memorization as analyse
    from largeloss.cli.console import out, say
    from largeloss.report.tables import phase_table
    from largeloss.report.trends import PHASES_LEGEND, phases
    from largeloss.runs.recorded_labels import recorded_labels, write_analysis

    found, written = [], []
    for run in runs:
        labels = recorded_labels(run)
        analysed = analyse(labels.recorded, labels.training, labels.reference)
        found.append((str(run), analysed))
        content = {"method": labels.method, **analysed.as_json()}
        written.append(write_analysis(run, "memorization", content))
    out.print(phase_table(phases(found)))
    say(PHASES_LEGEND)
    for path in written:
        say(f"Curves and figures: {path}")
