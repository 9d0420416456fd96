"""``largeloss train``: a classifier from a folder of partly tagged images."""

from pathlib import Path
from typing import Annotated

import typer

from largeloss.cli.options import Data, Settings, takes_settings
from largeloss.errors import ConfigError


@takes_settings
def train(
    settings: Settings,
    data: Data = None,
    out: Annotated[Path, typer.Option("--out", help="The run folder.")] = Path("runs/train"),
    method: Annotated[
        str | None, typer.Option("--method", help="See 'largeloss methods'. Default: ll-r.")
    ] = None,
    delta_rel: Annotated[
        float | None,
        typer.Option("--delta-rel", help="Δ of ll-r, ll-ct, ll-cp: percent of a batch's entries."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run in --out from its last checkpoint.")
    ] = False,
) -> None:
    """Train a classifier on DATA, a folder with labels.csv and images, and say how good it is."""
    from largeloss.cli import execute, show
    from largeloss.cli.pages.writing import write_run_report
    from largeloss.cli.prepare import with_absolute_paths
    from largeloss.cli.progress import Clock, Progressing

    given: dict[str, dict[str, object]] = {"data": {}, "method": {}}
    if data is not None:
        given["data"]["path"] = str(data)
    if method is not None:
        given["method"]["name"] = method
    if delta_rel is not None:
        given["method"]["delta_rel"] = delta_rel
    if resume:
        saved = execute.saved_config(out)
        config = execute.saved_config(
            out, with_absolute_paths(settings.made(saved.plain(), over=given))
        )
    else:
        config = settings.made(over=given)
        if config.needs_data:
            raise ConfigError(
                "train needs DATA, a folder with labels.csv and images: largeloss train DATA "
                "--out RUN. For a first look without data: largeloss demo."
            )
    listener = Progressing(config.method.name, Clock(config.num_epochs))
    finished = execute.execute(
        config, out, resume=resume, listener=listener, announce=show.beginning
    )
    show.result(finished, out)
    write_run_report(out)
