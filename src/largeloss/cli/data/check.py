"""``largeloss data check``: what is in a data folder, and what is wrong with it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from largeloss.cli.data.options import Decode, FollowSymlinks, NoPictures, Unlisted, Workers
from largeloss.errors import ConfigError

if TYPE_CHECKING:
    from largeloss.data.dataset import Dataset
    from largeloss.data.records import Records


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
    no_pictures: NoPictures = False,
    unlisted: Unlisted = None,
    follow_symlinks: FollowSymlinks = False,
    workers: Workers = 2,
) -> None:
    """Examine labels, splits and pictures of DATA; the exit code is 1 where something is wrong."""
    from largeloss.cli.console import say
    from largeloss.cli.data import examined
    from largeloss.cli.data.show import in_order
    from largeloss.data.check import examine
    from largeloss.data.folder import with_inputs
    from largeloss.data.records import read_records

    folder = data / "check" if out is None else out
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file and cannot be written as a folder. Choose --out.")
    records = read_records(data, unlisted=unlisted)
    dataset = records.labels_only()
    if not no_pictures:
        dataset = with_inputs(records, follow_symlinks=follow_symlinks)
    if "train" in dataset.splits:
        dataset = dataset.with_splits()
    found = examine(in_order(dataset), decode=decode, workers=workers)
    remarks = _remarks(records, dataset)
    examined.show(found, remarks)
    json_file, page = examined.write(folder, found, remarks, _command(data, decode, no_pictures))
    say(f"Written: {page} and {json_file}")
    if found.errors:
        raise typer.Exit(1)


def _remarks(records: "Records", dataset: "Dataset") -> tuple[str, ...]:
    """What was decided on reading, and at import."""
    described = records.description
    if described is None:
        return dataset.notes
    remarks = (*described.notes, *dataset.notes)
    written = described.fingerprints.get("data")
    if written is not None and written != dataset.fingerprint:
        remarks += (
            "Labels or splits are not those that were written with dataset.json: somebody has "
            "changed them since.",
        )
    return remarks


def _command(data: Path, decode: bool, no_pictures: bool) -> str:
    more = " --no-pictures" if no_pictures else "" if decode else " --no-decode"
    return f"largeloss data check {data}{more}"
