"""``largeloss data split``: new splits in which every class has its share."""

from pathlib import Path
from typing import Annotated

import typer

from largeloss.cli.data.options import Out, Unlisted
from largeloss.errors import ConfigError


def split(
    data: Annotated[Path, typer.Argument(help="A data folder.")],
    out: Out,
    shares: Annotated[
        str, typer.Option("--shares", help="Shares of train and of val, test or both.")
    ] = "train=0.7,val=0.1,test=0.2",
    seed: Annotated[int, typer.Option("--seed", min=0)] = 0,
    unlisted: Unlisted = None,
) -> None:
    """Write DATA once more with new splits, stratified by class; images stay where they are."""
    from largeloss.cli.console import note, say
    from largeloss.cli.console import out as console
    from largeloss.cli.data.parts import read_extras
    from largeloss.cli.data.show import in_order, split_table
    from largeloss.data.dataset import Dataset
    from largeloss.data.examine.split_counts import count_splits
    from largeloss.data.folder.labels_and_splits import read_records
    from largeloss.data.folder.write import check_free, write_folder
    from largeloss.data.stratify import imbalance, stratified_split

    wanted = _parse(shares)
    check_free(out)
    records = read_records(data, unlisted=unlisted)
    extras = read_extras(records)
    splits = stratified_split(records.table, wanted, seed)
    given = records.description.notes if records.description else ()
    remark = f"Split anew from {data}: {shares}, stratified by class, seed {seed}."
    only = records.labels_only()
    dataset = Dataset(only.name, only.source, only.labels, splits, (*given, remark)).with_splits()
    dataset = in_order(dataset)
    write_folder(out, dataset, extras)
    for text in dataset.notes[len(given) + 1 :]:
        note(text)
    console.print(split_table(count_splits(dataset.labels, dataset.splits)))
    say(
        f"Largest deviation of a class's share: {imbalance(dataset.labels, splits):.2f} standard "
        "deviations of a random split."
    )
    say(f"Written: {out}")


def _parse(text: str) -> dict[str, float]:
    """``train=0.7,val=0.3`` as numbers."""
    found: dict[str, float] = {}
    for part in text.split(","):
        name, _, value = (piece.strip() for piece in part.partition("="))
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if name in found or not 0 <= number <= 1:
            raise ConfigError(
                f"--shares {text!r} cannot be understood at {part.strip()!r}. Write, for example, "
                "train=0.7,val=0.1,test=0.2."
            )
        found[name] = number
    return found
