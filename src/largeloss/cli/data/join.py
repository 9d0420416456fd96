"""``largeloss data join``: several data folders as one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from largeloss.cli.data.options import Out, Unlisted
from largeloss.errors import ConfigError


def join(
    parts: Annotated[list[str], typer.Argument(help="NAME=DATA for each data folder.")],
    out: Out,
    rename: Annotated[
        list[str] | None,
        typer.Option("--rename", help="A class of a folder: NAME:OLD=NEW; may be repeated."),
    ] = None,
    unlisted: Unlisted = None,
) -> None:
    """Write one data folder of several; what one does not annotate is unobserved there."""
    from largeloss.cli.console import note, say
    from largeloss.data.folder.place import check_free, label_file_of

    folders, renamed = _parse_folders(parts), _parse_renames(rename or [])
    check_free(out)
    for _, folder in folders:
        label_file_of(folder)
    from largeloss.cli.data.split_table import print_splits
    from largeloss.data.folder.write import write_folder
    from largeloss.data.join import join_folders

    dataset, extras = join_folders(folders, renamed, unlisted)
    write_folder(out, dataset, extras)
    for text in dataset.notes:
        note(text)
    print_splits(dataset)
    number = dataset.labels.num_classes
    say(f"{number} classes. What a collection does not annotate is unobserved on its images.")
    say(f"Written: {out}   Next: largeloss data check {out}")


def _parse_folders(parts: Sequence[str]) -> list[tuple[str, Path]]:
    found = []
    for part in parts:
        name, equals, folder = part.partition("=")
        if not equals or not name or not folder:
            raise ConfigError(f"{part!r} is not NAME=DATA, such as voc=data/voc2012.")
        found.append((name, Path(folder)))
    return found


def _parse_renames(renames: Sequence[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for text in renames:
        name, colon, rest = text.partition(":")
        old, equals, new = rest.partition("=")
        if not colon or not equals or not name or not old or old in found.get(name, {}):
            raise ConfigError(
                f"--rename {text!r} is not NAME:OLD=NEW, such as voc:tvmonitor=tv, or renames a "
                "class twice."
            )
        found.setdefault(name, {})[old] = new
    return found
