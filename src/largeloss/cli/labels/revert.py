"""``largeloss labels revert``: a copy of an edited label file, with edits undone."""

from pathlib import Path
from typing import Annotated

import typer

from largeloss.cli.labels.options import NewFile, Unlisted, entries, show_left_out
from largeloss.watch import if_interrupted


def revert(
    labels: Annotated[Path, typer.Argument(help="A label file that 'labels apply' wrote.")],
    out: NewFile,
    author: Annotated[
        str | None,
        typer.Option(
            "--author",
            help="Undo only theirs: reviewer:anna, all reviewers (reviewer), a method (ll-cp).",
            show_default=False,
        ),
    ] = None,
    edits: Annotated[
        Path | None,
        typer.Option(
            "--edits",
            help="What is undone: a file of label edits, or a run. Default: the record of LABELS.",
            show_default=False,
        ),
    ] = None,
    unlisted: Unlisted = None,
) -> None:
    """Write a copy of LABELS with edits undone: all of them give the first file to the byte."""
    from largeloss.cli.console import note, say
    from largeloss.labels.edited_copies import revert_in_copy
    from largeloss.runs.label_edits import edits_to_undo

    with if_interrupted(f"{out} was not written; nothing was changed."):
        given = None if edits is None else edits_to_undo(edits, author)
        undone = revert_in_copy(labels, out, edits=given, author=author, unlisted=unlisted)
    if not undone.exact and edits is None:
        note(
            f"{labels} is not as 'labels apply' wrote it, or its record does not say what it was "
            "before: entries were set back one by one, and everything else is as it is now."
        )
    show_left_out(undone)
    whole = " This is the first file, byte for byte." if undone.exact and author is None else ""
    say(f"{entries(undone.num_changed)} set back → {out}.{whole}")
