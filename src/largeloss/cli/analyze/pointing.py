"""``largeloss analyze pointing``: does the model look at the thing?"""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from largeloss.errors import ConfigError, DataError


def pointing(
    runs: Annotated[list[Path], typer.Argument(help="Runs, of one method each.")],
    data: Annotated[
        Path | None,
        typer.Option("--data", help="A data folder with boxes; that of the run unless given."),
    ] = None,
    split: Annotated[str, typer.Option("--split", help="train, val, test or all")] = "test",
    tolerance: Annotated[
        float,
        typer.Option(
            "--tolerance", min=0, max=10_000, help="Pixels beside a box that still count."
        ),
    ] = 0,
) -> None:
    """The pointing game: hits where the highest place of a class's map lies in one of its boxes."""
    from rich.table import Table
    from rich.text import Text

    from largeloss.analysis.pointing import Pointing
    from largeloss.analysis.pointing import pointing as play
    from largeloss.cli.console import out, say
    from largeloss.data.folder.boxes import BOXES, read_boxes
    from largeloss.data.inputs.image_files import ImageFiles, image_size
    from largeloss.experiments.published import POINTING
    from largeloss.losses import title_of
    from largeloss.runs.load import LoadedRun, open_shared
    from largeloss.runs.recorded_labels import write_analysis

    def size(opened: LoadedRun, row: int) -> tuple[int, int]:
        source = opened.dataset.source
        if isinstance(source, ImageFiles):
            return image_size(source.paths[row])
        _, height, width = source.sample_shape
        return width, height

    played: list[tuple[Path, str, Pointing]] = []
    folders: list[Path] = []
    unshared: list[str] = []
    for run in runs:
        opened, columns = open_shared(run, data)
        folder = data or opened.settings.data.path
        if folder is None or not (folder / BOXES).is_file():
            raise DataError(
                f"{folder or 'The data set of digit scenes'} has no boxes ({BOXES} is missing), so "
                "nobody can say where things are. Boxes come with 'largeloss data "
                "import' of voc2007, voc2012, coco2014, coco2017 and cub; name such a folder with "
                "--data."
            )
        labels = opened.dataset.labels
        folders.append(folder.resolve())
        if played and (folders[0] != folders[-1] or played[0][2].classes != labels.classes):
            raise ConfigError(
                f"{run} would be judged on other images or classes than {runs[0]}, and one table "
                "cannot hold both. Name one folder for all with --data, or take one run at a time."
            )
        unshared = [name for name in opened.model.classes if name not in labels.classes]
        found = play(
            opened.model.network,
            opened.loader(split),
            columns,
            labels.classes,
            read_boxes(folder / BOXES, labels),
            partial(size, opened),
            tolerance,
        )
        content = {
            "method": opened.settings.method.name,
            "data": str(folders[-1]),
            "split": split,
            "tolerance": tolerance,
            "unshared_classes": unshared,
            **found.as_json(),
        }
        write_analysis(run, "pointing", content)
        played.append((run, opened.settings.method.name, found))

    def percent(share: float | None) -> str:
        return "–" if share is None else f"{100 * share:.1f}"

    published = {column.title: place for place, column in enumerate(POINTING.columns)}
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("Method", no_wrap=True)
    for title in (
        "Micro (%)",
        "Macro (%)",
        "Pairs",
        "Left\nout",
        *(f"Published,\n{name}" for name in published),
    ):
        table.add_column(title, justify="right")
    for _, method, found in played:
        values = POINTING.values.get(method)
        table.add_row(
            Text(title_of(method)),
            percent(found.accuracy),
            percent(found.mean_accuracy),
            str(int((found.hits + found.misses).sum())),
            str(found.num_difficult),
            *("–" if values is None else f"{values[i]:.1f}" for i in published.values()),
        )
    first = played[0][2]
    table.add_row("Always the centre", percent(first.centre_accuracy), *["–"] * 5)
    out.print(table)
    averaged = sum(share is not None for share in first.by_class.values())
    say(
        f"Micro: hits among all pairs of an image and a class that it shows; macro: mean over "
        f"{averaged} classes. Tolerance {tolerance:g} px. Left out: pairs with difficult or crowd "
        f"boxes alone, or whose place lies in one; {first.num_without_box} more have no box. "
        "Published: Kim et al., CVPR 2022."
    )
    if unshared:
        known = len(first.classes) + len(unshared)
        say(
            f"The data has {len(first.classes)} of the model's {known} classes by name; not "
            f"{', '.join(unshared)}."
        )
    for run, _, _ in played:
        say(f"By class: {run / 'analysis' / 'pointing.json'}")
