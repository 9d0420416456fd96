"""``largeloss analyze examples``: what a method came to believe of single images."""

from pathlib import Path
from typing import Annotated

import typer

from largeloss.errors import ConfigError


def examples(
    runs: Annotated[list[Path], typer.Argument(help="Runs trained with --record losses.")],
    image: Annotated[
        list[str] | None,
        typer.Option("--image", help="A training image, as the label file names it; repeatable."),
    ] = None,
    number: Annotated[
        int, typer.Option("--number", min=1, help="How many are drawn where none is named.")
    ] = 8,
    epochs: Annotated[
        str | None, typer.Option("--epochs", help="After which epochs, for example 1,5,9.")
    ] = None,
) -> None:
    """For some images: the tags given, those believed after some epochs, and the truth."""
    from rich.table import Table
    from rich.text import Text

    from largeloss.cli.console import out, say
    from largeloss.runs.arguments import check_runs

    try:
        wanted = [int(text) for text in epochs.split(",")] if epochs else []
    except ValueError:
        raise ConfigError(f"--epochs takes numbers with commas (1,5,9), got {epochs!r}.") from None
    check_runs(runs)
    from largeloss.analysis.examples import chosen_epochs
    from largeloss.analysis.examples import examples as choose
    from largeloss.runs.recorded_labels import recorded_labels, write_analysis

    for run in runs:
        labels = recorded_labels(run)
        shown = chosen_epochs(labels.recorded.num_epochs, wanted)
        places = None
        if image:
            rows = {labels.images[row]: place for place, row in enumerate(labels.recorded.rows)}
            unknown = [name for name in image if name not in rows]
            if unknown:
                raise ConfigError(
                    f"{unknown[0]} is no training image of {run}. Its training images are "
                    f"named like {next(iter(rows))}."
                )
            places = [rows[name] for name in image]
        known = labels.recorded, labels.training, labels.reference, labels.classes
        found = choose(*known, shown, places, number)
        say(f"{run}: {labels.method}")
        table = Table(padding=(0, 1), show_lines=True)
        for title in ("Image", "Given", *(f"Epoch {epoch}" for epoch in shown), "Truth"):
            table.add_column(title, overflow="fold")
        for example in found:
            given = set(example.training_tags)
            image_name, tags = labels.images[example.row], ", ".join(example.training_tags)
            cells = [Text(image_name), Text(tags or "–")]
            for epoch in shown:
                text = Text()
                for name in example.tags_by_epoch[epoch]:
                    new = "" if name in given else "bold"
                    text.append(", " if text else "").append(name, style=new)
                cells.append(text or Text("–"))
            truth = "not known" if example.truth is None else ", ".join(example.truth) or "–"
            table.add_row(*cells, Text(truth))
        out.print(table)
        content = {
            "method": labels.method,
            "examples": [{"image": labels.images[e.row], **vars(e)} for e in found],
        }
        path = write_analysis(run, "examples", content)
        say(
            f"Believed: the tags given, and the blanks that were not taken for absent in that "
            f"epoch. {'' if image else 'Drawn with seed 0 from images with such blanks. '}"
            f"Figures: {path}"
        )
