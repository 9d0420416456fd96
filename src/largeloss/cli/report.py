"""``largeloss report``: the page of a finished run, or of a comparison."""

from pathlib import Path
from typing import Annotated

import typer

from largeloss.errors import ConfigError


def report(
    folder: Annotated[Path, typer.Argument(help="Of a run, or of a comparison.", metavar="RUN")],
    out: Annotated[
        Path | None, typer.Option("--out", help="The page. Default: report.html in RUN.")
    ] = None,
) -> None:
    """Write report.html: curves, classes, memorisation, flagged tags, all in one file."""
    from largeloss.cli.console import command_line, say
    from largeloss.pages.comparison import read_comparison_page
    from largeloss.pages.run import run_page
    from largeloss.report.html import write_report
    from largeloss.runs.data import DataReader

    if (folder / "config.yaml").is_file():
        page = run_page(folder, DataReader())
    elif (folder / "results.json").is_file():
        page = read_comparison_page(folder, command_line())
    else:
        raise ConfigError(
            f"There is neither a run (config.yaml) nor a comparison (results.json) in {folder}. "
            "Name a folder that 'largeloss train' or 'largeloss compare' wrote."
        )
    path = out or folder / "report.html"
    write_report(path, page)
    say(f"Report, to open in a browser: {path}")
