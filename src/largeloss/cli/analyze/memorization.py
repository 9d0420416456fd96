"""``largeloss analyze memorization``: are missing tags memorised late?"""

from pathlib import Path
from typing import Annotated

import typer


def memorization(
    runs: Annotated[list[Path], typer.Argument(help="Runs trained with --record losses.")],
) -> None:
    """When each kind of training entry had its highest loss, as in the paper's table."""
    from rich.table import Table

    from largeloss.analysis.memorization import PUBLISHED
    from largeloss.analysis.memorization import memorization as analyse
    from largeloss.analysis.recorded import KINDS
    from largeloss.cli.analyze.labels import run_labels, write_analysis
    from largeloss.cli.console import out, say

    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("Run", "Highest loss in", *(f"{kind} (%)" for kind in KINDS)):
        table.add_column(title, justify="left" if title in ("Run", "Highest loss in") else "right")
    written = []
    for run in runs:
        labels = run_labels(run)
        found = analyse(labels.recorded, labels.known, labels.truth)
        warmup = [f"{100 * share:.1f}" for share in found.warmup]
        regular = [f"{100 * (1 - share):.1f}" for share in found.warmup]
        table.add_row(str(run), "warm-up (epoch 0)", *warmup)
        table.add_row("", "regular phase", *regular)
        table.add_row("", "entries", *map(str, found.counts))
        content = {"method": labels.method, **found.as_json()}
        written.append(write_analysis(run, "memorization", content))
    for name, shares in PUBLISHED.items():
        for row, phase in enumerate(("warm-up", "regular phase")):
            cells = [f"{shares[kind][row]:.1f}" for kind in KINDS]
            table.add_row(f"published, {name}" if not row else "", phase, *cells)
    out.print(table)
    say(
        "TP: observed positives. TN: blank and truly absent. FN: blank and truly present, the "
        "missing tags. Published: Kim et al., CVPR 2022, Naive AN."
    )
    for path in written:
        say(f"Curves and figures: {path}")
