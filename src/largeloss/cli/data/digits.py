"""``largeloss data digits``: the demo's scenes as image files and a ``labels.csv``."""

from typing import Annotated

import typer

from largeloss.cli.data.options import Out


def digits(
    out: Out,
    train: Annotated[
        int,
        typer.Option(
            "--train", min=1, help="Training scenes; val has a sixth as many, test a third."
        ),
    ] = 3000,
    observe: Annotated[
        str | None,
        typer.Option(
            "--observe",
            help="Labels that the training scenes keep, such as single-positive; all others are "
            "left blank. Default: all. Val and test keep all.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write scenes of handwritten digits as PNG files and a labels.csv: data to try things on."""
    from largeloss.cli.console import say
    from largeloss.data.folder.place import check_free

    check_free(out)
    from largeloss.data.digits_folder import write_digits

    table = write_digits(out, train=train, observe=observe)
    present, absent, unobserved = (int(number.sum()) for number in table.counts())
    say(
        f"{table.num_images:,} images of {table.num_classes} classes; labels: {present:,} present, "
        f"{absent:,} absent, {unobserved:,} blank."
    )
    say(f"Written: {out}   Next: largeloss data check {out}")
