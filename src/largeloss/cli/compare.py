"""``largeloss compare``: several methods on the same data, with the same seeds."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from largeloss.cli.options import Complete, Data, settings_by_method, takes_settings
from largeloss.config import RunConfig
from largeloss.presets import SettingsLayers

if TYPE_CHECKING:
    from largeloss.experiments.compare import ComparedRuns
    from largeloss.pages.comparison import Heading


@takes_settings(without=("method", "delta_rel", "seed"))
def compare(
    layers: SettingsLayers,
    data: Data = None,
    methods: Annotated[
        str, typer.Option("--methods", help="Names, with Δ where wanted: full,an,ll-r:0.5")
    ] = "full,an,ll-r",
    complete: Complete = "",
    seeds: Annotated[
        int, typer.Option("--seeds", min=1, help="Number of seeds: runs per method.")
    ] = 3,
    out: Annotated[Path, typer.Option("--out", help="Folder for all runs.")] = Path("runs/compare"),
    tuned: Annotated[
        Path | None,
        typer.Option("--tuned", help="The --out of 'largeloss tune': each method as chosen there."),
    ] = None,
    vary_labels: Annotated[
        bool,
        typer.Option("--vary-labels", help="The seed also draws which labels --observe hides."),
    ] = False,
) -> None:
    """Train several methods on DATA and compare them; finished runs are skipped."""
    from largeloss.cli.console import command_line, progress
    from largeloss.experiments.decided import check_compared
    from largeloss.experiments.out_folder import COMPARE, check_group
    from largeloss.experiments.variant import Variant, parse_methods
    from largeloss.experiments.worth import parse_shares
    from largeloss.runs.arguments import check_tuned

    base = settings_by_method(
        layers,
        data,
        "compare needs DATA, a folder with labels.csv and images. For a first look without data: "
        "largeloss demo.",
    )

    def make(variant: Variant) -> RunConfig:
        return base(variant.method)

    variants = parse_methods(methods)
    shares = parse_shares(complete)
    check_compared(layers.named)
    for variant in variants:
        base(variant.method)
    check_tuned(tuned)
    check_group(out, COMPARE)
    from largeloss.experiments.compare import compare as train_all
    from largeloss.experiments.tuned import Tuning
    from largeloss.pages.comparison import Heading

    chosen = None if tuned is None else Tuning.read(tuned)
    if chosen is not None:
        chosen.refuse(layers.named, variants)
    compared = train_all(make, variants, seeds, out, progress(), vary_labels, shares, chosen)
    name = data.name if data else "Digit scenes"
    conclude(compared, Heading.of(name, compared.comparison, command_line()))


def conclude(compared: "ComparedRuns", heading: "Heading") -> None:
    """Prints the table; writes ``table.md`` and ``report.html``."""
    from largeloss.cli.console import note, say
    from largeloss.cli.console import out as screen
    from largeloss.pages.comparison import write_comparison
    from largeloss.report.tables import below_comparison, comparison_table, phase_table
    from largeloss.report.trends import PHASES_LEGEND, phases
    from largeloss.runs.file_names import COMPARISON
    from largeloss.runs.result import RunResult
    from largeloss.training.run_folder import REPORT

    screen.print(comparison_table(compared.comparison))
    for text in below_comparison(compared.comparison, ranged=False):
        say(text)
    if published := RunResult.read(compared.folders[0]).test_mean.as_published:
        say(published)
    page = write_comparison(compared, heading, note)
    if page is not None and page.memorization:
        screen.print("", phase_table(phases(page.memorization)), PHASES_LEGEND, "")
    say(f"Figures: {compared.out / COMPARISON}")
    if page is not None:
        say(f"Report, to open in a browser: {compared.out / REPORT}")
