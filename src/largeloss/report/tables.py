"""The table of a comparison: for a terminal, in Markdown, and as rows of the HTML page."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from largeloss.experiments.results import Comparison

COLUMNS = ("Method", "Δ", "Test mAP (%)", "Last epoch (%)", "Gap closed", "Seeds")
NOTHING = "–"


@dataclass(frozen=True)
class Row:
    """A row of the table. mAP in percent."""

    method: str
    """Display name."""
    delta_rel: float | None
    mean: float
    """Mean test mAP over the runs, each with the weights of its best val epoch."""
    std: float
    """Sample standard deviation of the same values."""
    last: float
    """Mean test mAP with the weights of the last epoch."""
    gap_closed: float | None
    """A share, not percent."""
    num_seeds: int

    @property
    def cells(self) -> tuple[str, ...]:
        """The text under each of ``COLUMNS``."""
        best = number(self.mean)
        return (
            self.method,
            "" if self.delta_rel is None else f"{self.delta_rel:g} %",
            f"{best} ± {number(self.std)}" if self.num_seeds > 1 else best,
            number(self.last),
            NOTHING if self.gap_closed is None else percent(self.gap_closed),
            str(self.num_seeds),
        )


def comparison_rows(comparison: Comparison) -> list[Row]:
    """A row for each method and Delta, in the comparison's order."""
    from largeloss.losses import title_of  # heavy

    rows = []
    for line in comparison.summary:
        last = [
            run.last_test_map
            for run in comparison.runs
            if (run.method, run.delta_rel) == (line.method, line.delta_rel)
        ]
        rows.append(
            Row(
                title_of(line.method),
                line.delta_rel,
                line.mean,
                line.std,
                statistics.fmean(last) if last else math.nan,
                line.gap_closed,
                len(last),
            )
        )
    return rows


def comparison_table(comparison: Comparison) -> Table:
    """For a terminal."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column(COLUMNS[0])
    for title in COLUMNS[1:]:
        table.add_column(title, justify="right", no_wrap=True)
    for row in comparison_rows(comparison):
        table.add_row(*map(Text, row.cells))  # Text: a name may hold rich's own markup
    return table


def comparison_markdown(comparison: Comparison) -> str:
    """For a README, ending in a line break."""
    lines = [COLUMNS, (":--", *["--:"] * (len(COLUMNS) - 1))]
    lines += [row.cells for row in comparison_rows(comparison)]
    return "".join(
        "| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |\n" for line in lines
    )


def phase_table(phases: Sequence[tuple[str, str, Sequence[str]]]) -> Table:
    """For a terminal: the paper's table of highest losses, with rows of :func:`.trends.phases`."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("Share of entries (%)", "Highest loss in"):
        table.add_column(title)
    for title in ("TP", "TN", "FN"):
        table.add_column(title, justify="right")
    for title, phase, cells in phases:
        table.add_row(Text(title if phase == "warm-up" else ""), phase, *cells)
    return table


def number(value: float) -> str:
    """One decimal; a dash if not finite."""
    return f"{value:.1f}" if math.isfinite(value) else NOTHING


def percent(share: float) -> str:
    """A share in whole percent; a dash if not finite."""
    return f"{round(100 * share)} %".replace("-", "−") if math.isfinite(share) else NOTHING
