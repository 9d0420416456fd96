"""``largeloss report``: the page of a finished run, or of a comparison."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from largeloss.errors import ConfigError

if TYPE_CHECKING:
    from largeloss.report import ReportPage


def report(
    folder: Annotated[Path, typer.Argument(help="Of a run, or of a comparison.", metavar="RUN")],
    out: Annotated[
        Path | None, typer.Option("--out", help="The page. Default: report.html in RUN.")
    ] = None,
) -> None:
    """Write report.html: curves, classes, memorisation, flagged tags, all in one file."""
    from largeloss.cli.console import say
    from largeloss.cli.pages.reading import Reading
    from largeloss.cli.pages.run import run_page
    from largeloss.report import write_report

    if (folder / "config.yaml").is_file():
        page = run_page(folder, Reading())
    elif (folder / "results.json").is_file():
        page = _comparison(folder)
    else:
        raise ConfigError(
            f"There is neither a run (config.yaml) nor a comparison (results.json) in {folder}. "
            "Name a folder that 'largeloss train' or 'largeloss compare' wrote."
        )
    path = out or folder / "report.html"
    write_report(path, page)
    say(f"Report, to open in a browser: {path}")


def _comparison(folder: Path) -> "ReportPage":
    from largeloss.cli.console import command_line, counted
    from largeloss.cli.pages.comparison import Said, comparison_page
    from largeloss.cli.pages.reading import Reading
    from largeloss.experiments.results import Comparison
    from largeloss.training.run_folder import RunFolder

    comparison = Comparison.read(folder / "results.json")
    found = {}
    for path in sorted(folder.glob("*/result.json")):
        result = RunFolder(path.parent).result()
        found[result["method"], result["delta_rel"], result["seed"]] = path.parent
    wanted = [(run.method, run.delta_rel, run.seed) for run in comparison.runs]
    if lost := [key for key in wanted if key not in found]:
        method, _, seed = lost[0]
        raise ConfigError(
            f"{counted(len(lost), 'run')} of {folder / 'results.json'} cannot be found in "
            f"{folder}, for example {method} with seed {seed}. Restore the folder, or compare "
            "again."
        )
    seeds = len({run.seed for run in comparison.runs})
    said = Said(
        title=f"{folder.resolve().name}: methods compared",
        lead=f"Mean average precision on the test split; {counted(seeds, 'seed')}.",
        command=command_line(),
    )
    return comparison_page(comparison, [found[key] for key in wanted], Reading(), said)
