"""``largeloss labels apply``: a copy of a label file, with edits."""

from pathlib import Path
from typing import Annotated

import typer

from largeloss.cli.labels.options import NewFile, Source, Unlisted, entries, show_left_out
from largeloss.watch import if_interrupted


def apply(
    source: Source,
    out: NewFile,
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels", help="The label file. Default: that of the run.", show_default=False
        ),
    ] = None,
    authors: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            help="Whose edits: review, a method such as ll-cp, or an author of 'labels log'; may "
            "be repeated. Default: review for a run, all of a file.",
            show_default=False,
        ),
    ] = None,
    unlisted: Unlisted = None,
) -> None:
    """Write a copy of a label file with the edits of SOURCE; what does not fit is listed."""
    from largeloss.cli.console import say
    from largeloss.labels.edited_copies import record_of
    from largeloss.runs import label_edits

    with if_interrupted(f"{out} was not written; no edit is lost."):
        found = label_edits.read_source(source)
        applied = label_edits.apply(
            found, out, labels=labels, authors=tuple(authors or ()), unlisted=unlisted
        )
    show_left_out(applied)
    say(f"{entries(applied.num_changed)} changed → {out}   (edits: {record_of(out)})")
    say(f"Next: largeloss train DATA --labels {out}")
