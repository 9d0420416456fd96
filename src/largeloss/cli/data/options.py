"""Options that the commands on data share."""

from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[
    Path,
    typer.Option(
        "--out", help="The data folder to write; it must be new or empty.", show_default=False
    ),
]
Unlisted = Annotated[
    str | None,
    typer.Option(
        "--unlisted",
        help="For tag lists, class folders and coco: what is not listed is 'unknown' or 'absent'; "
        "by split: train=unknown,test=absent.",
        show_default=False,
    ),
]
FollowSymlinks = Annotated[
    bool, typer.Option("--follow-symlinks", help="Images may be links out of their folder.")
]
NoImages = Annotated[bool, typer.Option("--no-images", help="Do not look at images: labels alone.")]
Decode = Annotated[
    bool,
    typer.Option(
        "--decode/--no-decode", help="Decode every image in full, or see only that it is there."
    ),
]
Workers = Annotated[
    int, typer.Option("--workers", min=1, max=256, help="Threads that read images.")
]
