"""``largeloss compare``: several methods on the same data, with the same seeds."""

from pathlib import Path
from typing import Annotated, Any

import typer

from largeloss.cli.options import Data, Settings, takes_settings
from largeloss.config import RunConfig
from largeloss.errors import ConfigError


@takes_settings
def compare(
    settings: Settings,
    data: Data = None,
    methods: Annotated[
        str, typer.Option("--methods", help="Names, with Δ where wanted: full,an,ll-r:0.5")
    ] = "full,an,ll-r",
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Runs a method.")] = 3,
    out: Annotated[Path, typer.Option("--out", help="Folder for all runs.")] = Path("runs/compare"),
) -> None:
    """Train several methods on DATA and compare them; finished runs are skipped."""
    from largeloss.cli.console import command_line, counted
    from largeloss.cli.gridrun import GridRunner, conclude
    from largeloss.cli.pages.comparison import Said
    from largeloss.experiments.grid import Variant, plan, run_grid

    def make(method: str) -> RunConfig:
        over: dict[str, Any] = {"method": {"name": method}}
        return settings.made(over=over | ({"data": {"path": str(data)}} if data else {}))

    grid = plan([Variant.parse(text) for text in methods.split(",") if text.strip()], seeds)
    config = make(grid[0].variant.method)
    if config.needs_data:
        raise ConfigError(
            "compare needs DATA, a folder with labels.csv and images. For a first look without "
            "data: largeloss demo."
        )
    runner = GridRunner(make, grid, out)
    comparison = run_grid(grid, out, runner)
    name = config.data.path.name if config.data.path else "Digit scenes"
    said = Said(
        title=f"{name}: methods compared",
        lead=f"Mean average precision on the test split; {counted(seeds, 'seed')} a method.",
        command=command_line(),
    )
    conclude(grid, out, comparison, runner, said)
