"""``largeloss predict``: scores and tags for images."""

import csv
import json
from pathlib import Path
from typing import Annotated

import typer

from largeloss.errors import ConfigError
from largeloss.files import written_atomically


def predict(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    paths: Annotated[list[Path], typer.Argument(help="Images, or folders of images.")],
    out: Annotated[Path, typer.Option("--out", help="A .csv or .json file.")] = Path("scores.csv"),
    bad_images: Annotated[str, typer.Option("--bad-images", help="error or skip")] = "error",
    batch_size: Annotated[int, typer.Option("--batch-size", min=1)] = 64,
    workers: Annotated[int, typer.Option("--workers", min=0)] = 2,
) -> None:
    """Score images with the best weights of RUN; writes probabilities and tags."""
    from largeloss.cli.console import note, say
    from largeloss.predict import find_images, load_classifier
    from largeloss.predict import predict as scored

    if out.suffix not in (".csv", ".json"):
        raise ConfigError(f"--out must end in .csv or .json, got {out}.")
    if bad_images not in ("error", "skip"):
        raise ConfigError(f"--bad-images must be error or skip, got {bad_images!r}.")
    if not out.parent.is_dir():
        raise ConfigError(f"The folder {out.parent} of --out does not exist.")
    model, config = load_classifier(run)
    images = find_images(paths)
    predictions, broken = scored(
        model, config, images, batch_size=batch_size, workers=workers, bad_images=bad_images
    )
    for text in broken.values():
        note(f"Left out: {text}")
    scores = predictions.probabilities.round(6).tolist()
    tags = [predictions.tags(row) for row in range(len(scores))]
    with (
        written_atomically(out) as partial,
        partial.open("w", encoding="utf-8", newline="") as file,
    ):
        if out.suffix == ".json":
            records = [
                {
                    "image": image,
                    "tags": found,
                    "scores": dict(zip(predictions.classes, row, strict=True)),
                }
                for image, found, row in zip(predictions.images, tags, scores, strict=True)
            ]
            json.dump(records, file, indent=2, ensure_ascii=False)
        else:
            writer = csv.writer(file)
            writer.writerow(["image", "tags", *predictions.classes])
            for image, found, row in zip(predictions.images, tags, scores, strict=True):
                writer.writerow([image, ";".join(found), *row])
    for image, found in list(zip(predictions.images, tags, strict=True))[:5]:
        say(f"{Path(image).name}: {', '.join(found) or 'no tag'}")
    say(f"{len(scores)} images → {out}")
