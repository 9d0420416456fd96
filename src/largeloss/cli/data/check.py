"""``largeloss data check``: what is in a data folder, and what is wrong with it."""

from pathlib import Path
from typing import Annotated

import typer

from largeloss.cli.data.options import Decode, FollowSymlinks, NoImages, Unlisted, Workers
from largeloss.errors import ConfigError
from largeloss.watch import if_interrupted


def check(
    data: Annotated[Path, typer.Argument(help="A data folder.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Folder for check.json and check.html. Default: DATA/check.",
            show_default=False,
        ),
    ] = None,
    decode: Decode = True,
    no_images: NoImages = False,
    unlisted: Unlisted = None,
    follow_symlinks: FollowSymlinks = False,
    max_value: Annotated[
        int | None,
        typer.Option(
            "--max-value", min=1, help="As the setting data.max_value.", show_default=False
        ),
    ] = None,
    workers: Workers = 2,
) -> None:
    """Examine labels, splits and images of DATA; the exit code is 1 where something is wrong."""
    from largeloss.cli.console import command_line, say
    from largeloss.data.folder.place import label_file_of

    folder = data / "check" if out is None else out
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file and cannot be written as a folder. Choose --out.")
    label_file_of(data)
    from largeloss.cli.data import examined
    from largeloss.data.examine.examination import examine
    from largeloss.data.examine.unnamed_files import about_unnamed
    from largeloss.data.folder.labels_and_splits import read_records
    from largeloss.data.folder.read import with_inputs
    from largeloss.data.inputs.image_files import ImageFiles

    records = read_records(data, unlisted=unlisted)
    dataset = records.labels_only()
    if not no_images:
        dataset = with_inputs(records, follow_symlinks=follow_symlinks, max_value=max_value)
    if "train" in dataset.splits:
        dataset = dataset.with_splits()
    with if_interrupted(f"The check is not complete, and nothing was written to {folder}."):
        found = examine(dataset, decode=decode, workers=workers)
    remarks = list(records.remarks(dataset))
    if isinstance(dataset.source, ImageFiles) and records.folders is not None:
        remarks += about_unnamed(dataset.labels.images, records.folders)
    examined.show(found, remarks)
    json_file, page = examined.write(folder, found, remarks, command_line())
    say(f"Written: {page} and {json_file}")
    if found.errors:
        raise typer.Exit(1)
