"""``largeloss suggest``: which tags are probably missing, or wrong."""

from pathlib import Path
from typing import Annotated

import typer

from largeloss.watch import if_interrupted

_SHOWN = (100, 500)
"""Precision of so many suggestions is printed, where the truth is known."""


def suggest(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    out: Annotated[Path, typer.Option("--out", help="A .csv, .parquet or .jsonl file.")] = Path(
        "suggestions.csv"
    ),
    wrong: Annotated[
        bool,
        typer.Option("--wrong", help="Also list observed labels, those that look wrong first."),
    ] = False,
    folds: Annotated[
        int | None,
        typer.Option(
            "--folds",
            help="Score each image by what was learnt without it: for models that memorise. A "
            "backbone that was trained is trained this many times more, on the other folds.",
            metavar="K",
        ),
    ] = None,
) -> None:
    """Rank the unobserved entries of RUN's training images: probably missing tags first."""
    from largeloss.cli.console import note, progress, say
    from largeloss.runs.arguments import check_runs, check_suggestions

    check_suggestions(out, run)
    check_runs([run])
    from largeloss.runs.data import readable_data
    from largeloss.runs.seen_in_training import has_changed
    from largeloss.runs.settings import saved_settings
    from largeloss.runs.suggestion_files import write_suggestions
    from largeloss.runs.suggestions import missing_and_wrong

    with if_interrupted(f"{out} was not written; trainings of folds are kept, no suggestion is."):
        data = readable_data(saved_settings(run))
        if has_changed(run, data):
            note(
                f"Labels or splits of the data are not those that {run} was trained with: what is "
                "suggested follows the labels as they are now, by what was learnt of the others."
            )
        missing, observed = missing_and_wrong(run, data, folds=folds, listener=progress().listener)
        lists = [missing, observed] if wrong else [missing]
        write_suggestions(out, lists)
    if not len(missing):
        note("No training entry is unobserved: no tag can be missing.")
    for found in lists:
        for row, column in list(zip(found.rows.tolist(), found.columns.tolist(), strict=True))[:5]:
            what = "observed, looks wrong" if found is not missing else "probably missing"
            say(f"{found.images[row]}: {found.classes[column]} ({what})")
    for k in _SHOWN:
        precision = missing.precision(k)
        if precision is not None:
            say(f"Of the first {k}, {100 * precision:.0f} % are missing tags indeed.")
    say(f"{sum(map(len, lists)):,} suggestions → {out}")
