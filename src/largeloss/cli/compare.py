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
    from largeloss.cli.gridrun import GridRunner, conclude, curves
    from largeloss.experiments.grid import Variant, plan, run_grid
    from largeloss.report import ReportPage

    def make(method: str) -> RunConfig:
        over: dict[str, Any] = {"method": {"name": method}}
        return settings.made(over=over | ({"data": {"path": str(data)}} if data else {}))

    grid = plan([Variant.parse(text) for text in methods.split(",") if text.strip()], seeds)
    config = make(grid[0].variant.method)
    if config.needs_data:
        raise ConfigError(
            "compare needs DATA, a folder with labels.csv and pictures. For a first look without "
            "data: largeloss demo."
        )
    runner = GridRunner(make, grid, out)
    comparison = run_grid(grid, out, runner)
    page = ReportPage(
        title=f"{config.data.path.name if config.data.path else 'Digit scenes'}: methods compared",
        lead=f"Mean average precision on the test split, {seeds} seeds a method.",
        command=f"largeloss compare {data or ''} --methods {methods} --seeds {seeds} --out {out}",
        comparison=comparison,
        curves=curves(out, grid, "val_map"),
        curves_title="mAP on val after each epoch",
        cards=(),
        facts=runner.facts(),
        notes=(),
    )
    conclude(out, page)
