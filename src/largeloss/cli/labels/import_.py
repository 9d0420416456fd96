"""``largeloss labels import``: what other programs say, as label edits."""

from pathlib import Path
from typing import Annotated

import typer

from largeloss.cli.labels.options import Unlisted
from largeloss.watch import if_interrupted


def import_(
    file: Annotated[Path, typer.Argument(help="What came back.")],
    base: Annotated[
        Path,
        typer.Argument(help="What it is compared with: a run, a data folder or a label file."),
    ],
    kind: Annotated[
        str,
        typer.Option(
            "--from", help="suggestions, wide, long, parquet, coco, label-studio or huggingface."
        ),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", help="A new Parquet file of label edits.", show_default=False),
    ],
    unlisted: Unlisted = None,
) -> None:
    """Write what FILE says otherwise than BASE as label edits; blanks in FILE change nothing."""
    from largeloss.cli.console import counted, note, say
    from largeloss.labels import write_edits
    from largeloss.labels.edited_copies import check_new_file
    from largeloss.runs.label_import import import_edits

    check_new_file(out, (".parquet",))
    with if_interrupted(f"{out} was not written."):
        found = import_edits(file, base, kind, unlisted=unlisted)
        write_edits(out, found.edits)
    for text in found.notes:
        note(text)
    say(f"{counted(len(found.edits), 'edit')} → {out}")
    say(f"Next: largeloss labels apply {out} --labels FILE --out NEW")
