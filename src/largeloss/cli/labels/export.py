"""``largeloss labels export``: labels for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from largeloss.cli.labels.options import Unlisted, entries, show_left_out
from largeloss.watch import if_interrupted


def export(
    source: Annotated[Path, typer.Argument(help="A run folder, or a data folder.")],
    kind: Annotated[
        str,
        typer.Option("--to", help="wide, long, parquet, coco, label-studio or huggingface."),
    ],
    out: Annotated[
        Path, typer.Option("--out", help="The file to write; it must be new.", show_default=False)
    ],
    authors: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            help="Of a run: whose edits are made, as of 'labels apply'. Default: review.",
            show_default=False,
        ),
    ] = None,
    prefix: Annotated[
        str | None,
        typer.Option(
            "--prefix",
            help="For label-studio: what addresses of images begin with. Default: those of its "
            "local files.",
            show_default=False,
        ),
    ] = None,
    unlisted: Unlisted = None,
) -> None:
    """Write the labels of SOURCE for another program; unobserved stays unobserved."""
    from largeloss.cli.console import note, say
    from largeloss.data.exchange.label_studio import LOCAL_FILES
    from largeloss.errors import ConfigError
    from largeloss.runs import label_export

    if prefix is not None and kind != "label-studio":
        raise ConfigError(f"--prefix is for label-studio, not for {kind}. Leave it out.")
    with if_interrupted(f"{out} is not complete; no label is lost."):
        made = label_export.export(
            source,
            kind,
            out,
            authors=tuple(authors or ()),
            unlisted=unlisted,
            prefix=LOCAL_FILES if prefix is None else prefix,
        )
    if made.applied is not None:
        show_left_out(made.applied)
        say(f"With edits of {entries(made.applied.num_changed)}.")
    for text in made.notes:
        note(text)
    say(f"Written: {' and '.join(map(str, made.files))}")
