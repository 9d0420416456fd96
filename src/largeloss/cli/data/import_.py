"""``largeloss data import``: a collection, as its owners publish it, becomes a data folder."""

from pathlib import Path
from typing import Annotated

import typer

from largeloss.cli.data.options import (
    Decode,
    FollowSymlinks,
    NoImages,
    Out,
    Unlisted,
    Workers,
)
from largeloss.errors import ConfigError

NAMES = (
    "voc2012", "voc2007", "coco2014", "coco2017", "nuswide", "cub", "openimages-v3", "folder",
    "csv", "arff",
)  # fmt: skip


def import_(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(NAMES)}.")],
    root: Annotated[Path, typer.Argument(help="The owners' files: a folder, or csv's or arff's.")],
    out: Out,
    version: Annotated[
        str | None, typer.Option("--version", help="Of nuswide: official or spml.")
    ] = None,
    num_labels: Annotated[
        int | None,
        typer.Option("--num-labels", help="Of arff: so many; negative where they come last."),
    ] = None,
    unlisted: Unlisted = None,
    coding: Annotated[
        str | None,
        typer.Option(
            "--coding",
            help="Of csv: what its numbers mean: zero-unobserved, positives-only, complete or "
            "nan-unobserved. Default: 1 present, 0 absent, blank unobserved.",
        ),
    ] = None,
    images: Annotated[
        Path | None, typer.Option("--images", help="Of csv: where names start from.")
    ] = None,
    bad_images: Annotated[
        str, typer.Option("--bad-images", help="Missing or broken images: error or skip.")
    ] = "error",
    decode: Decode = True,
    no_images: NoImages = False,
    follow_symlinks: FollowSymlinks = False,
    download: Annotated[
        bool, typer.Option("--download", help="First fetch the owners' archives into ROOT.")
    ] = False,
    workers: Workers = 2,
) -> None:
    """Make a data folder of the collection NAME in ROOT; images stay where they are."""
    from largeloss.cli.console import say
    from largeloss.cli.data import importing
    from largeloss.data.folder.write import check_free
    from largeloss.data.importers.registry import Choices, check_choices, read_collection

    choices = Choices(version, num_labels, unlisted, coding, images)
    check_choices(name, choices)
    if bad_images not in ("error", "skip"):
        raise ConfigError(f"--bad-images must be error or skip, got {bad_images!r}.")
    check_free(out)
    if download:
        from largeloss.cli.data.download import download_collection

        download_collection(name, root)
    imported = read_collection(name, root, choices)
    say(importing.sizes(imported))
    if not no_images:
        imported = importing.with_usable_images(
            imported,
            skip=bad_images == "skip",
            decode=decode,
            follow_symlinks=follow_symlinks,
            workers=workers,
        )
    importing.write(imported, out)
