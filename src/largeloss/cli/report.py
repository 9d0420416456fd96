"""``largeloss report``: the page of a finished run, or of a comparison."""

from pathlib import Path
from typing import Annotated

import typer

from largeloss.errors import ConfigError


def report(
    folder: Annotated[Path, typer.Argument(help="Of a run, or of a comparison.", metavar="RUN")],
    out: Annotated[
        Path | None, typer.Option("--out", help="The page, .html. Default: report.html in RUN.")
    ] = None,
) -> None:
    """Write report.html: curves, classes, memorisation, flagged tags, all in one file."""
    from largeloss.cli.console import command_line, say
    from largeloss.runs.file_names import COMPARISON
    from largeloss.runs.output_file import check_output
    from largeloss.runs.output_kinds import REPORTS
    from largeloss.training.run_folder import REPORT, is_run

    of_run = is_run(folder)
    if not of_run and not (folder / COMPARISON).is_file():
        raise ConfigError(
            f"There is neither a run (config.yaml) nor a comparison (results.json) in {folder}. "
            "Name a folder that 'largeloss train' or 'largeloss compare' wrote."
        )
    path = out or folder / REPORT
    check_output(path, REPORTS, run=folder, own=REPORT)
    from largeloss.pages.comparison import read_comparison_page
    from largeloss.pages.run import run_page
    from largeloss.report.html import write_report
    from largeloss.runs.data import DataReader

    if of_run:
        page = run_page(folder, DataReader())
    else:
        page = read_comparison_page(folder, command_line())
    write_report(path, page)
    say(f"Report, to open in a browser: {path}")
