"""``largeloss evaluate``: how good a trained classifier is on a split."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from largeloss.cli.options import Backend, Precision
from largeloss.files import checksummed_json, write_json, write_text


def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    data: Annotated[
        Path | None,
        typer.Argument(help="A data folder; that of the run unless given.", show_default=False),
    ] = None,
    split: Annotated[str, typer.Option("--split", help="train, val or test")] = "test",
    unlisted: Annotated[
        str | None,
        typer.Option("--unlisted", help="For tag lists: unknown or absent; by split with commas."),
    ] = None,
    bad_images: Annotated[
        str | None,
        typer.Option(
            "--bad-images",
            help="error or skip; as the run was told unless given.",
            show_default=False,
        ),
    ] = None,
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
    backend: Backend = "auto",
    precision: Precision = None,
    out: Annotated[Path | None, typer.Option("--out", help="A .json file for the figures.")] = None,
) -> None:
    """Measure the best weights of RUN on a split of DATA, by the labels as they are given."""
    from largeloss.runs.arguments import check_data, check_models
    from largeloss.runs.output_file import check_output
    from largeloss.runs.output_kinds import FIGURES

    if out is not None:
        check_output(out, FIGURES, run=run)
    check_models([run])
    check_data(data)
    from largeloss.cli import summary
    from largeloss.cli.console import note, say
    from largeloss.cli.console import out as screen

    asked: dict[str, Any] = {
        "split": split,
        "unlisted": unlisted,
        "bad_images": bad_images,
        "backend": backend,
        "precision": precision,
    }
    if groups is not None:
        from largeloss.runs.grouped_map import evaluate_groups

        grouped = evaluate_groups(run, data, groups=groups, **asked)
        for text in grouped.notes:
            note(text)
        screen.print(summary.group_table(grouped))
        say(grouped.remark)
        if out is not None:
            write_text(out, checksummed_json(grouped.plain))
        return
    from largeloss.runs.evaluate import evaluate as measure

    found = measure(run, data, **asked)
    for text in found.notes:
        note(text)
    tags = {"Precision": found.class_precision, "Recall": found.class_recall}
    screen.print(summary.class_table(found.ap, found.counts, found.rule, tags))
    if found.rule == "nothing":
        say(f"{split}: {found.num_images} inputs, not measured: all of their labels are blank.")
        if out is not None:
            write_json(out, asdict(found))
        return
    say(
        f"{split}: {found.num_images} inputs, mAP {found.mean.lead:.1f}, OF1 {found.of1:.1f}, "
        f"CF1 {found.cf1:.1f}. Measured by {found.rule_description}."
    )
    if found.mean.remark:
        say(found.mean.remark)
    say(summary.tags(found.tag_precision, found.tag_recall, found.rule))
    if out is not None:
        write_json(out, asdict(found))
