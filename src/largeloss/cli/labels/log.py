"""``largeloss labels log``: who changed which label, when and why."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from largeloss.cli.labels.options import Source, edit_lines

_ROWS = 50


def log(
    source: Source,
    class_name: Annotated[
        str | None, typer.Option("--class", help="Only this class.", show_default=False)
    ] = None,
    author: Annotated[
        str | None,
        typer.Option(
            "--author",
            help="Only theirs: reviewer:anna, all reviewers (reviewer), a method (ll-cp).",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Also write them to a Parquet file of label edits.", show_default=False
        ),
    ] = None,
) -> None:
    """List the label edits of SOURCE, conflicts between people, and flagged images."""
    import numpy as np

    from largeloss.cli import console
    from largeloss.labels import write_edits
    from largeloss.labels.edit_fit import by_people, conflicts
    from largeloss.labels.edited_copies import check_new_file
    from largeloss.labels.names import first_lines
    from largeloss.runs.label_edits import read_source

    if out is not None:
        check_new_file(out, (".parquet",))
    found = read_source(source)
    edits = found.edits if author is None else found.by((author,))
    if class_name is not None:
        edits = found.of_class(class_name, edits)
    shown = edits.select(np.arange(min(_ROWS, len(edits))))
    for line in edit_lines(shown, details=True):
        console.say(line)
    if len(edits) > len(shown):
        console.say(
            f"… and {len(edits) - len(shown):,} more: --class, --author choose; --out writes all."
        )
    for name, number in sorted(Counter(edits.author.tolist()).items()):
        console.say(f"{name}: {console.counted(number, 'edit')}")
    if not len(found.edits):
        console.say("There are no label edits: nothing was reviewed, corrected or imported.")
    elif not len(edits):
        console.say(f"None of the {len(found.edits):,} edits is of this class and this author.")
    if found.unsure and author is None and class_name is None:
        console.say(f"{console.counted(found.unsure, 'answer')} 'unsure': they change nothing.")
    people = edits.select(by_people(edits))
    disputed = people.select(conflicts(people))
    if len(disputed):
        console.warn(
            "People disagree; 'labels apply' leaves these entries as they are:\n"
            + first_lines(sorted(edit_lines(disputed)), _ROWS)
        )
    for flag in found.flags:
        console.say(f"Flagged by {flag.reviewer}: {flag.image} ({flag.class_name}, {flag.time})")
    if out is not None:
        write_edits(out, edits)
        console.say(f"{console.counted(len(edits), 'edit')} → {out}")
