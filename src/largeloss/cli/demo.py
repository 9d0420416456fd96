"""``largeloss demo``: the paper's effect on handwritten digits, in minutes, on any machine."""

import os
import shutil
from pathlib import Path
from typing import Annotated

import typer

from largeloss.errors import ConfigError
from largeloss.files import write_text

MARK = ".largeloss-demo"
METHODS = "full,an,ll-r:1,ll-ct:0.5,ll-cp:0.2"


def demo(
    out: Annotated[Path, typer.Option("--out", help="Replaced if a demo made it.")] = Path(
        "runs/demo"
    ),
    seeds: Annotated[
        int, typer.Option("--seeds", min=1, help="Number of seeds: runs per method.")
    ] = 1,
    methods: Annotated[str, typer.Option("--methods", help="As in compare.")] = METHODS,
    epochs: Annotated[int, typer.Option("--epochs", min=1)] = 14,
) -> None:
    """Train on digit scenes with one tag per image: large losses reveal the missing ones."""
    from largeloss.cli.console import command_line, progress, say
    from largeloss.config import RunConfig, make_config
    from largeloss.experiments.variant import Variant, parse_methods
    from largeloss.losses import check_name
    from largeloss.presets import find_preset

    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ConfigError("The demo runs in one process; compare runs in several.")

    def make(variant: Variant) -> RunConfig:
        training = {"epochs": epochs, "track_test": True, "record": "losses"}
        own = {"method": {"name": variant.method}, "training": training}
        return make_config([find_preset("digits", variant.method).settings, own])

    variants = parse_methods(methods)
    for variant in variants:
        check_name(variant.method)
    _check(out)
    from largeloss.experiments.grid import plan
    from largeloss.experiments.run_settings import planned_settings
    from largeloss.runs.settings_checks import check_before_data

    check_before_data(planned_settings(make, plan(variants, seeds)).values())
    _clear(out)
    say(
        "Digit scenes: 3,000 training images of one to four handwritten digits, of which one is "
        f"tagged. {len(variants) * seeds} runs of {epochs} epochs, about half a minute each."
    )
    from largeloss.cli.compare import conclude
    from largeloss.experiments.compare import compare
    from largeloss.pages.comparison import Heading

    heading = Heading(
        title="What a model memorises when tags are missing",
        lead="Each training image shows one to four handwritten digits, and only one of them is "
        "tagged. A model that takes every missing tag for an absence (Naive AN) first learns the "
        "digits, then memorises the missing tags as if they were true absences, and gets no "
        "better. LL-R leaves the entries with the largest losses out of each step: most of them "
        "are missing tags.",
        command=command_line(),
        notes=(
            "Gap closed: the share of the way from Naive AN to full labels.",
            "The best epoch is chosen on 500 fully labelled val images; test curves are shown, "
            "never used.",
        ),
        curve="test_map",
    )
    conclude(compare(make, variants, seeds, out, progress()), heading)


def _check(out: Path) -> None:
    if out.exists() and not (out / MARK).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(
            f"{out} exists and was not made by the demo, so it is left alone. Choose another --out."
        )


def _clear(out: Path) -> None:
    if (out / MARK).is_file():
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / MARK, "This folder is replaced by 'largeloss demo'.\n")
