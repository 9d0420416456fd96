"""``largeloss data import``: a collection, official or of the user's own, becomes a data folder."""

from pathlib import Path
from typing import Annotated

import typer

from largeloss.cli.data.options import Decode, FollowSymlinks, NoImages, Out, Unlisted, Workers
from largeloss.errors import ConfigError

NAMES = (
    "voc2012", "voc2007", "coco2014", "coco2017", "coco", "nuswide", "cub", "openimages-v3",
    "folder", "csv", "arff",
)  # fmt: skip


def import_(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(NAMES)}.")],
    out: Out,
    root: Annotated[
        Path | None,
        typer.Argument(
            help="The official release's folder, or csv's or arff's file; not for coco."
        ),
    ] = None,
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
    annotations: Annotated[
        list[str] | None,
        typer.Option(
            "--annotations",
            help="Of coco: a json FILE; or train=FILE, val=FILE, test=FILE, each with this option.",
        ),
    ] = None,
    images: Annotated[
        list[str] | None,
        typer.Option(
            "--images", help="Of csv and coco: the FOLDER of images; of coco also split=FOLDER."
        ),
    ] = None,
    bad_images: Annotated[
        str, typer.Option("--bad-images", help="Missing or broken images: error or skip.")
    ] = "error",
    decode: Decode = True,
    no_images: NoImages = False,
    follow_symlinks: FollowSymlinks = False,
    workers: Workers = 2,
) -> None:
    """Make a data folder of the collection NAME in ROOT; images stay where they are."""
    from largeloss.cli.console import note, say
    from largeloss.data.folder.place import check_free
    from largeloss.data.importers.registry import read_collection

    if bad_images not in ("error", "skip"):
        raise ConfigError(f"--bad-images must be error or skip, got {bad_images!r}.")
    check_free(out)
    options = {
        "version": version,
        "num_labels": num_labels,
        "unlisted": unlisted,
        "coding": coding,
        "annotations": annotations or None,
        "images": images or None,
    }
    imported = read_collection(name, root, options)
    from largeloss.cli.data.split_table import print_splits
    from largeloss.data.importers.to_folder import with_usable_images, write_imported

    say(imported.sizes)
    if not no_images and imported.image_root is not None:
        say(f"Looking at {imported.table.num_images:,} images in {imported.image_root} …")
        imported = with_usable_images(
            imported,
            skip=bad_images == "skip",
            decode=decode,
            follow_symlinks=follow_symlinks,
            workers=workers,
        )
    dataset, record = write_imported(imported, out)
    for text in dataset.notes:
        note(text)
    print_splits(dataset)
    if record:
        listed = ", ".join(f"{title.replace('_', ' ')} {value}" for title, value in record.items())
        say(f"For the record (SHA-256, first 16 digits): {listed}.")
    say(f"Written: {out}   Next: largeloss data check {out}")
