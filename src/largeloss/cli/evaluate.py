"""``largeloss evaluate``: how good a trained classifier is on a split."""

import json
from pathlib import Path
from typing import Annotated

import typer

from largeloss.errors import ConfigError, DataError


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
    out: Annotated[Path | None, typer.Option("--out", help="A .json file for the figures.")] = None,
) -> None:
    """Measure the best weights of RUN on a split of DATA, by the labels as they are given."""
    from largeloss.cli import execute, show
    from largeloss.cli.console import note, say
    from largeloss.cli.console import out as screen
    from largeloss.cli.prepare import load_data
    from largeloss.config import make_config
    from largeloss.metrics import f1_scores
    from largeloss.predict import load_classifier
    from largeloss.training.engine import score
    from largeloss.training.protocols import Recipe, scoring_loader
    from largeloss.training.selection import RULES, Yardstick

    if out is not None and (out.suffix != ".json" or not out.parent.is_dir()):
        raise ConfigError(f"--out must be a .json file in a folder that exists, got {out}.")
    model, saved = load_classifier(run)
    config = execute.saved_config(run)
    given: dict[str, dict[str, object]] = {
        "data": {"classes": saved["classes"], "bad_images": bad_images, "observe": None}
    }
    if data is not None:
        given["data"] |= {"path": str(data), "unlisted": unlisted}
    config = make_config([config.plain(), given])
    dataset = load_data(config).given
    wanted, found = saved["architecture"]["sample_shape"], list(dataset.source.sample_shape)
    if found != wanted:
        raise DataError(f"This model takes inputs of shape {wanted}; {dataset.name} has {found}.")
    for text in dataset.notes:
        note(text)
    rows = dataset.rows(split)
    scores = score(model, scoring_loader(dataset, split, Recipe())).logits
    yardstick = Yardstick.of(dataset.labels, rows)
    measured = yardstick.measure(scores)
    thresholds = saved.get("thresholds", 0.0)
    f1 = f1_scores(scores, yardstick.labels, thresholds)
    counts = yardstick.counts(dataset.labels.classes)
    ap = dict(zip(dataset.labels.classes, measured.per_class.tolist(), strict=True))
    screen.print(show.class_table(ap, counts))
    say(
        f"{split}: {len(rows)} inputs, mAP {measured.value:.1f}, OF1 {f1.overall_f1:.1f}, "
        f"CF1 {f1.class_f1:.1f}. Measured by {RULES[yardstick.rule]}."
    )
    if measured.num_absent:
        say(show.absent_classes(measured.num_absent))
    if out is not None:
        figures = {
            "split": split,
            "rule": yardstick.rule,
            "map": measured.value,
            "ap": ap,
            "counts": counts,
            "classes_without_positives": measured.num_absent,
            "of1": f1.overall_f1,
            "cf1": f1.class_f1,
        }
        out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
