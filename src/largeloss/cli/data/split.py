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
    from largeloss.data.folder.place import check_free, label_file_of

    wanted = _parse(shares)
    check_free(out)
    label_file_of(data)
    from largeloss.cli.data.split_table import print_splits
    from largeloss.data.folder.write import write_folder
    from largeloss.data.split import split_folder

    dataset, extras, remarks, off = split_folder(data, wanted, seed, unlisted)
    write_folder(out, dataset, extras)
    for text in remarks:
        note(text)
    print_splits(dataset)
    say(f"Largest deviation of a class's share: {off:.2f} standard deviations of a random split.")
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
    if list(found) == ["train"]:
        raise ConfigError(
            f"--shares {text!r} has train alone, and a data folder needs val or test. Write, for "
            "example, train=0.7,val=0.1,test=0.2."
        )
    return found
