"""``largeloss data join``: several data folders as one."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from largeloss.cli.data.options import Out, Unlisted
from largeloss.errors import ConfigError, DataError

if TYPE_CHECKING:
    from largeloss.data.folder.labels_and_splits import Records


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
    from largeloss.cli.console import out as console
    from largeloss.cli.data.joining import join_boxes, join_features, places
    from largeloss.cli.data.show import in_order, split_table
    from largeloss.data.dataset import Dataset
    from largeloss.data.examine.split_counts import count_splits
    from largeloss.data.folder.labels_and_splits import read_records
    from largeloss.data.folder.read import with_inputs
    from largeloss.data.folder.write import Extras, check_free, write_folder
    from largeloss.data.inputs.source import LabelsOnly
    from largeloss.data.join import join as joined_labels

    given = _parse_parts(parts)
    renamed = _parse_renames(rename or [])
    check_free(out)
    records: list[tuple[str, Records]] = []
    data: list[tuple[str, Dataset]] = []
    notes: list[str] = []
    for name, folder in given:
        found = read_records(folder, unlisted=unlisted)
        if found.description is not None and isinstance(found.description.images, dict):
            raise DataError(
                f"{folder} was itself joined of {', '.join(found.description.images)}. Join "
                "these folders directly, all in one command."
            )
        dataset = with_inputs(found, follow_symlinks=True).with_splits()
        notes += [f"{name}: {text}" for text in dataset.notes]
        records.append((name, found))
        data.append((name, dataset))
    result = joined_labels(data, renamed)
    title = "+".join(name for name, _ in given)
    dataset = Dataset(
        title, LabelsOnly(result.table.num_images), result.table, result.splits, tuple(notes)
    ).with_splits()
    dataset = in_order(dataset)
    boxes, said = join_boxes(records, renamed, result.table)
    notes += said
    write_folder(out, dataset, Extras(places(records), join_features(data), boxes))
    for text in notes:
        note(text)
    console.print(split_table(count_splits(dataset.labels, dataset.splits)))
    say(
        f"{dataset.labels.num_classes} classes. What a collection does not annotate is unobserved "
        "on its images."
    )
    say(f"Written: {out}   Next: largeloss data check {out}")


def _parse_parts(parts: Sequence[str]) -> list[tuple[str, Path]]:
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
