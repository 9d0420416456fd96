"""``largeloss analyze memorization``: are missing tags memorised late?"""

from pathlib import Path
from typing import Annotated

import typer


def memorization(
    runs: Annotated[list[Path], typer.Argument(help="Runs trained with --record losses.")],
) -> None:
    """When each kind of training entry had its highest loss, as in the paper's table."""
    from rich.table import Table

    from largeloss.analysis.memorization import memorization as analyse
    from largeloss.analysis.recorded import KINDS
    from largeloss.cli.analyze.labels import run_labels, write_analysis
    from largeloss.cli.console import out, say
    from largeloss.experiments.published import MEMORIZATION

    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("Run", "Highest loss in", *(f"{kind} (%)" for kind in KINDS)):
        table.add_column(title, justify="left" if title in ("Run", "Highest loss in") else "right")
    written = []
    for run in runs:
        labels = run_labels(run)
        found = analyse(labels.recorded, labels.known, labels.truth)
        for head, phase, found_shares in (
            (str(run), "warm-up", found.warmup),
            ("", "regular", found.regular),
        ):
            cells = ("none" if x is None else f"{100 * x:.1f}" for x in found_shares)
            table.add_row(head, phase, *cells)
        table.add_row("", "entries", *map(str, found.counts))
        content = {"method": labels.method, **found.as_json()}
        written.append(write_analysis(run, "memorization", content))
    published = dict(zip(MEMORIZATION.columns, MEMORIZATION.values["an"], strict=True))
    for block in dict.fromkeys(column.block for column in published):
        shares = {c.keys: value for c, value in published.items() if c.block == block}
        for title, phase in ((f"published, {block}", "warm-up"), ("", "regular")):
            table.add_row(title, phase, *(f"{shares[kind, phase]:.1f}" for kind in KINDS))
    out.print(table)
    say(
        "TP: observed positives. TN: blank and truly absent. FN: blank and truly present, the "
        "missing tags. Warm-up: epoch 0. Published: Kim et al., CVPR 2022, Naive AN."
    )
    for path in written:
        say(f"Curves and figures: {path}")
