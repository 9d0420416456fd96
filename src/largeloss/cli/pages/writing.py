"""The page that ends a training."""

from pathlib import Path

from largeloss import distributed
from largeloss.cli.console import note, say
from largeloss.cli.pages.reading import Reading
from largeloss.cli.pages.run import run_page
from largeloss.errors import LargelossError
from largeloss.report import write_report


def write_run_report(run: Path) -> None:
    """Writes ``report.html`` into a finished run; what prevents it is a remark, no failure."""
    if distributed.world_size() > 1:  # the page scores images, in one process
        say(f"Report: largeloss report {run}")
        return
    try:
        write_report(run / "report.html", run_page(run, Reading()))
    except LargelossError as error:
        note(f"The report could not be written ({error}). Ask again with: largeloss report {run}")
    else:
        say(f"Report, to open in a browser: {run / 'report.html'}")
