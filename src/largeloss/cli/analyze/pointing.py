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
    from largeloss.runs.arguments import check_data, check_models

    check_models(runs)
    check_data(data)
    from largeloss.analysis.pointing import pointing as play
    from largeloss.cli.console import out, say
    from largeloss.data.folder.boxes import BOXES, read_boxes
    from largeloss.data.inputs.image_files import ImageFiles, image_size
    from largeloss.experiments.published import POINTING
    from largeloss.losses import title_of
    from largeloss.report.tables import NOTHING, text_table
    from largeloss.runs.opened import LoadedRun, open_shared
    from largeloss.runs.recorded_labels import write_analysis
    from largeloss.runs.settings import saved_settings

    def size(opened: LoadedRun, row: int) -> tuple[int, int]:
        source = opened.dataset.source
        if isinstance(source, ImageFiles):
            return image_size(source.paths[row])
        _, height, width = source.sample_shape
        return width, height

    def shown(percent: float | None) -> str:
        return NOTHING if percent is None else f"{percent:.1f}"

    rows: list[tuple[str, ...]] = []
    numbers_averaged: list[int] = []
    first: tuple[Path, tuple[str, ...]] | None = None
    folders = {run: data or saved_settings(run).data.path for run in runs}
    for folder in folders.values():  # before images are decoded
        if folder is None or not (folder / BOXES).is_file():
            raise DataError(
                f"{folder or 'The data set of digit scenes'} has no boxes ({BOXES} is missing), so "
                "nobody can say where things are. Boxes come with 'largeloss data "
                "import' of voc2007, voc2012, coco2014, coco2017 and cub; name such a folder with "
                "--data."
            )
    for run, folder in folders.items():
        assert folder is not None
        opened, columns = open_shared(run, data)
        labels = opened.dataset.labels
        judged = folder.resolve(), labels.classes
        first = first or judged
        if judged != first:
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
        method, figures = opened.settings.method.name, found.as_json()
        asked = {"method": method, "data": str(judged[0]), "split": split, "tolerance": tolerance}
        write_analysis(run, "pointing", {**asked, "unshared_classes": unshared, **figures})
        values = POINTING.values.get(method, (None,) * len(POINTING.columns))
        ours = map(shown, (figures["accuracy"], figures["mean_accuracy"]))
        counts = str(figures["num_pairs"]), str(found.num_difficult)
        numbers_averaged.append(len(found.shares))
        rows.append((title_of(method), *ours, *counts, *map(shown, values)))

    rows.append(("Always the centre", shown(figures["centre_accuracy"]), *[NOTHING] * 5))
    published = (f"Published,\n{column.title}" for column in POINTING.columns)
    titles = ("Method", "Micro (%)", "Macro (%)", "Pairs", "Left\nout", *published)
    out.print(text_table(titles, rows))
    say(
        f"Micro: hits among all pairs of an image and a class that it shows; macro: mean over "
        f"{numbers_averaged[0]} classes. Tolerance {tolerance:g} px. Left out: pairs with "
        "difficult or crowd boxes alone, or whose place lies in one; "
        f"{found.num_without_box} more have no box. Published: Kim et al., CVPR 2022."
    )
    if unshared:
        known = len(found.classes) + len(unshared)
        say(
            f"The data has {len(found.classes)} of the model's {known} classes by name; not "
            f"{', '.join(unshared)}."
        )
    for run in runs:
        say(f"By class: {run / 'analysis' / 'pointing.json'}")
