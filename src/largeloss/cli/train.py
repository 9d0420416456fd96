"""``largeloss train``: a classifier from a folder of partly tagged images."""

from pathlib import Path
from typing import Annotated

import typer

from largeloss.cli.options import Data, takes_settings
from largeloss.errors import ConfigError
from largeloss.presets import SettingsLayers


@takes_settings()
def train(
    layers: SettingsLayers,
    data: Data = None,
    out: Annotated[Path, typer.Option("--out", help="The run folder.")] = Path("runs/train"),
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run in --out from its last checkpoint.")
    ] = False,
) -> None:
    """Train a classifier on DATA, a folder with labels.csv and images; print how good it is."""
    from largeloss.cli.console import note, progress, say
    from largeloss.runs.arguments import check_runs, check_settings
    from largeloss.training.run_folder import RunFolder

    given = {"data": {"path": str(data)}} if data is not None else {}
    if resume:
        check_runs([out])
        from largeloss.runs.moved import resumed_settings
        from largeloss.runs.settings import saved_settings

        saved = saved_settings(out)
        settings = resumed_settings(out, layers.made(saved.plain(), given))
        if settings.data.path != saved.data.path:
            note(f"{settings.data.path} holds the same data: {out} goes on with it, and notes it.")
        if RunFolder(out).finished:
            note(f"{out} is finished; nothing is left to do.")
    else:
        settings = layers.made(over=given)
    if settings.needs_data:
        raise ConfigError(
            "train needs DATA, a folder with labels.csv and images: largeloss train DATA --out "
            "RUN. For a first look without data: largeloss demo."
        )
    if not resume:
        check_settings(settings)
        RunFolder(out).check_free()
    from largeloss import distributed
    from largeloss.cli import summary
    from largeloss.pages.run import write_run_report
    from largeloss.runs.settings import resolved
    from largeloss.runs.tracking import tracked
    from largeloss.runs.train import train as train_run

    shown = progress()
    shown.expect(resolved(settings).work)
    shower = shown.listener(settings.method.name, settings.data.train_share)
    with tracked(settings, out, shower) as listener:
        summary.print_result(train_run(settings, out, resume=resume, listener=listener), out)
        report = write_run_report(out, note)
        if report is not None:
            say(f"Report, to open in a browser: {report}")
        elif distributed.world_size() > 1:
            say(f"Report: largeloss report {out}")
