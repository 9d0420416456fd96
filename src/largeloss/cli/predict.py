"""``largeloss predict``: scores and tags for images."""

from pathlib import Path
from typing import Annotated

import typer

from largeloss.errors import ConfigError
from largeloss.watch import if_interrupted


def predict(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="Images, or folders of images; for a model of features its features.safetensors."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="A .csv or .json file.")] = Path("scores.csv"),
    bad_images: Annotated[str, typer.Option("--bad-images", help="error or skip")] = "error",
    batch_size: Annotated[int, typer.Option("--batch-size", min=1)] = 64,
    workers: Annotated[int, typer.Option("--workers", min=0)] = 2,
) -> None:
    """Score images (or features) with the best weights of RUN; writes probabilities and tags."""
    from largeloss.cli.console import note, say
    from largeloss.runs.load import load
    from largeloss.runs.predict import passed_over, write_predictions

    if out.suffix not in (".csv", ".json"):
        raise ConfigError(f"--out must end in .csv or .json, got {out}.")
    if bad_images not in ("error", "skip"):
        raise ConfigError(f"--bad-images must be error or skip, got {bad_images!r}.")
    if not out.parent.is_dir():
        raise ConfigError(f"The folder {out.parent} of --out does not exist.")
    model = load(run)
    for why, names in model.never_tagged.items():
        shown = ", ".join(names[:8]) + (f", … ({len(names)} classes)" if len(names) > 8 else "")
        note(f"Never tagged, since {why}: {shown}.")
    with if_interrupted(f"{out} was not written; no prediction is kept."):
        predictions = model.predict(
            paths, bad_images=bad_images, batch_size=batch_size, workers=workers
        )
        if predictions.left_out:
            note(passed_over(predictions.left_out).strip())
        for text in predictions.skipped.values():
            note(f"Left out: {text}")
        first = write_predictions(predictions, out)
    for prediction in first[:5]:
        say(f"{Path(prediction.image).name}: {', '.join(prediction.tags) or 'no tag'}")
    say(f"{len(predictions)} images → {out}")
