"""``largeloss predict``: scores and tags for images."""

import time
from pathlib import Path
from typing import Annotated

import typer

from largeloss.cli.options import Backend, Precision
from largeloss.errors import ConfigError
from largeloss.watch import if_interrupted


def predict(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    sources: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="SOURCE…",
            help="Images, folders of images, patterns such as 'photos/*.jpg', or - for paths from "
            "the standard input; for a model of features its features.safetensors.",
        ),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            "--out", help="A .csv, .jsonl, .json or .parquet file; with --shards a folder."
        ),
    ] = Path("scores.csv"),
    lists: Annotated[
        list[Path] | None,
        typer.Option(
            "--list",
            help="A file that names images: .txt with one path per line, .csv or .parquet with a "
            "column image or path. Relative paths start from its folder. Repeat for several.",
        ),
    ] = None,
    bad_images: Annotated[str, typer.Option("--bad-images", help="error or skip")] = "error",
    batch_size: Annotated[int, typer.Option("--batch-size", min=1)] = 64,
    workers: Annotated[int, typer.Option("--workers", min=0, help="Processes that decode.")] = 2,
    backend: Backend = "auto",
    precision: Precision = None,
    shards: Annotated[
        int | None,
        typer.Option(
            "--shards",
            min=1,
            help="Write a folder of files of so many images each: .csv, .jsonl or .parquet as the "
            "folder's name ends, else .parquet.",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="With --shards: write the files that are missing.")
    ] = False,
) -> None:
    """Score images (or features) with the best weights of RUN; writes probabilities and tags."""
    from largeloss.cli.console import counted, note, say
    from largeloss.runs.arguments import check_models, check_workers
    from largeloss.runs.predict.lists import STDIN
    from largeloss.runs.predict.sources import check_sources, passed_over
    from largeloss.runs.predict.targets import (
        SKIPPED,
        check_file,
        check_folder,
        nothing_kept,
        parts_kept,
        skipped_list,
    )

    given = sources or []
    named = [*(path for path in given if path == STDIN), *(lists or [])]
    if not given and not named:
        raise ConfigError("Name images: files, folders, patterns, or a list of them by --list.")
    if bad_images not in ("error", "skip"):
        raise ConfigError(f"--bad-images must be error or skip, got {bad_images!r}.")
    if shards is not None:
        check_folder(out, resume)
    elif resume:
        raise ConfigError("--resume continues the parts of --shards. Add --shards.")
    else:
        check_file(out, bad_images, run, lists or [])
    check_models([run])
    check_workers(workers)
    check_sources([path for path in given if path != STDIN], lists or [])
    from largeloss.forward.choice import check_choice
    from largeloss.runs.load import load
    from largeloss.runs.predict.shards import join_processes, write_shards
    from largeloss.runs.predict.writing import write_predictions

    check_choice(backend, precision)
    several = join_processes() > 1
    if several and (shards is None or STDIN in named):
        raise ConfigError(
            "Several processes write whole parts, and each reads all the names of images: give "
            "--shards, and a --list in place of the standard input."
        )
    model = load(run)
    for why, names in model.never_tagged.items():
        shown = ", ".join(names[:8]) + (f", … ({len(names)} classes)" if len(names) > 8 else "")
        note(f"Never tagged, since {why}: {shown}.")
    with if_interrupted(nothing_kept(out) if shards is None else parts_kept(out)):
        predictions = model.predict(
            [path for path in given if path != STDIN],
            lists=named,
            bad_images=bad_images,
            batch_size=batch_size,
            workers=workers,
            backend=backend,
            precision=precision,
        )
        if predictions.left_out:
            note(passed_over(predictions.left_out).strip())
        if predictions.repeated:
            again = counted(predictions.repeated, "path")
            note(f"{again} named an image again; each image is scored once.")
        begun = time.perf_counter()
        if shards is None:
            if text := predictions.forward.remark:
                note(text)
            written = write_predictions(predictions, out)
        else:
            written = write_shards(predictions, out, shards, resume=resume, remark=note)
        seconds = time.perf_counter() - begun
    for text in written.reasons:
        note(f"Left out: {text}")
    if written.skipped:
        where = skipped_list(out) if shards is None else out / SKIPPED
        note(f"{counted(written.skipped, 'image')} could not be read; all are listed in {where}.")
    for prediction in written.first[:5]:
        say(f"{Path(prediction.image).name}: {', '.join(prediction.tags) or 'no tag'}")
    rate = f"{written.new / seconds:,.1f} images per second"
    done = rate if written.new else "nothing was left to do"
    say(f"{written.images:,} images → {out} ({done})")
