"""``largeloss analyze cam``: where do the methods look?"""

from pathlib import Path
from typing import Annotated

import typer

from largeloss.errors import ConfigError

SUFFIXES = (".png", ".svg", ".pdf")


def cam(
    runs: Annotated[list[Path], typer.Argument(help="Run folders; each gets one column.")],
    image: Annotated[
        list[str],
        typer.Option("--image", help="An image file, or a name in the run's data; repeatable."),
    ],
    name: Annotated[
        list[str] | None,
        typer.Option("--class", help="A class; repeatable. Default: the tags, or what is seen."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="The figure: .png, .svg or .pdf.")] = Path(
        "cam.png"
    ),
) -> None:
    """Class activation maps of several runs side by side, as in the paper's figure."""
    from largeloss.cli.console import say
    from largeloss.runs.arguments import check_models, check_runs
    from largeloss.runs.output_file import check_output
    from largeloss.runs.output_kinds import CAM_FIGURES

    if out.suffix.lower() not in SUFFIXES or not out.parent.is_dir():
        raise ConfigError(
            f"--out must be a {', '.join(SUFFIXES)} file in a folder that exists, got {out}."
        )
    check_output(out, CAM_FIGURES)
    check_runs(runs)
    check_models(runs)
    from largeloss.pages.activation_maps import ActivationMaps
    from largeloss.report.cam_figure import write_cam_figure

    maps = ActivationMaps(runs)
    rows = [row for text in image for row in maps.rows(text, name)]
    write_cam_figure(out, maps.titles, rows)
    say(
        f"Figure: {out}. Under each map: the probability of the class. Maps are rectified, scaled "
        "to their own maximum and laid over the image."
    )
