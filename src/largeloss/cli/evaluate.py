"""``largeloss evaluate``: how good a trained classifier is on a split."""

from pathlib import Path
from typing import Annotated

import typer

from largeloss.errors import ConfigError
from largeloss.files import checksummed_json, write_json, write_text


def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    data: Annotated[
        Path | None,
        typer.Argument(help="A data folder; that of the run unless given.", show_default=False),
    ] = None,
    split: Annotated[str, typer.Option("--split", help="train, val or test")] = "test",
    unlisted: Annotated[
        str | None, typer.Option("--unlisted", help="For tag lists: unknown or absent.")
    ] = None,
    bad_images: Annotated[str, typer.Option("--bad-images", help="error or skip")] = "error",
    groups: Annotated[
        int | None,
        typer.Option(
            "--groups",
            min=1,
            show_default=False,
            help="As published for OpenImages (5): over annotated entries only, by groups of "
            "classes with ever more train annotations.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="A .json file for the figures.")] = None,
) -> None:
    """Measure the best weights of RUN on a split of DATA, by the labels as they are given."""
    from largeloss.cli import show
    from largeloss.cli.console import note, say
    from largeloss.cli.console import out as screen
    from largeloss.cli.groups import measure_groups
    from largeloss.cli.opened import open_run
    from largeloss.training.evaluation import RULES, Evaluator

    if out is not None and (out.suffix != ".json" or not out.parent.is_dir()):
        raise ConfigError(f"--out must be a .json file in a folder that exists, got {out}.")
    opened = open_run(run, data, unlisted, bad_images, split)
    dataset = opened.dataset
    for text in dataset.notes:
        note(text)
    if groups is not None:
        grouped = measure_groups(opened, split, groups)
        screen.print(grouped.table)
        say(grouped.remark)
        if out is not None:
            write_text(out, checksummed_json(grouped.plain))
        return
    rows = dataset.rows(split)
    evaluator = Evaluator.of(dataset.labels, rows)
    scores = evaluator.scores(opened.model, opened.loader(split))
    measured = evaluator.measure(scores)
    f1 = evaluator.f1(scores, opened.saved.get("thresholds", 0.0))
    counts = evaluator.counts(dataset.labels.classes)
    ap = dict(zip(dataset.labels.classes, measured.per_class.tolist(), strict=True))
    screen.print(show.class_table(ap, counts))
    say(
        f"{split}: {len(rows)} inputs, mAP {measured.value:.1f}, OF1 {f1.overall_f1:.1f}, "
        f"CF1 {f1.class_f1:.1f}. Measured by {RULES[evaluator.rule]}."
    )
    if measured.num_absent:
        say(show.absent_classes(measured.num_absent))
    if out is not None:
        figures = {
            "split": split,
            "rule": evaluator.rule,
            "map": measured.value,
            "ap": ap,
            "counts": counts,
            "classes_without_positives": measured.num_absent,
            "of1": f1.overall_f1,
            "cf1": f1.class_f1,
        }
        write_json(out, figures)
