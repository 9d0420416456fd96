"""Tables for a terminal and in Markdown; the table of a comparison."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from largeloss.experiments.results import Comparison, MethodSummary
from largeloss.losses import title_of

COLUMNS = ("Method", "Δ", "Test mAP (%)", "Last epoch (%)", "Gap closed", "Seeds")
NOTHING = "–"


def text_table(titles: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> Table:
    """For a terminal: the first ``left`` columns are text, the others numbers at the right."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for place, title in enumerate(titles):
        is_number = place >= left
        table.add_column(title, justify="right" if is_number else "left", no_wrap=is_number)
    for row in rows:
        table.add_row(*map(Text, row))  # Text: a name may hold rich's own markup
    return table


def markdown_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """For a README, ending in a line break: the first column is text, the others numbers."""
    lines = [titles, (":--", *["--:"] * (len(titles) - 1)), *rows]
    return "".join(
        "| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |\n" for line in lines
    )


@dataclass(frozen=True)
class Row(MethodSummary):
    """A row of the table of a comparison. mAP in percent."""

    last: float
    """Mean test mAP with the weights of the last epoch."""
    num_seeds: int

    @property
    def cells(self) -> tuple[str, ...]:
        """The text under each of ``COLUMNS``."""
        best = number(self.mean)
        return (
            title_of(self.method),
            "" if self.delta_rel is None else f"{self.delta_rel:g} %",
            f"{best} ± {number(self.std)}" if self.num_seeds > 1 else best,
            number(self.last),
            NOTHING if self.gap_closed is None else percent(self.gap_closed),
            str(self.num_seeds),
        )


def comparison_rows(comparison: Comparison) -> list[Row]:
    """A row for each method and Delta, in the comparison's order."""
    rows = []
    for line in comparison.summary:
        last = [
            run.last_test_map
            for run in comparison.runs
            if (run.method, run.delta_rel) == (line.method, line.delta_rel)
        ]
        rows.append(Row(**vars(line), last=statistics.fmean(last), num_seeds=len(last)))
    return rows


def comparison_table(comparison: Comparison) -> Table:
    """For a terminal."""
    return text_table(COLUMNS, [row.cells for row in comparison_rows(comparison)])


def comparison_markdown(comparison: Comparison) -> str:
    """For a README, ending in a line break."""
    return markdown_table(COLUMNS, [row.cells for row in comparison_rows(comparison)])


def phase_table(phases: Sequence[tuple[str, str, Sequence[str]]]) -> Table:
    """For a terminal: the paper's table of highest losses, with rows of :func:`.trends.phases`."""
    rows = ((title if phase == "warm-up" else "", phase, *cells) for title, phase, cells in phases)
    return text_table(("Share of entries (%)", "Highest loss in", "TP", "TN", "FN"), rows, left=2)


def number(value: float) -> str:
    """One decimal; a dash if not finite."""
    return f"{value:.1f}" if math.isfinite(value) else NOTHING


def percent(share: float) -> str:
    """A share in whole percent; a dash if not finite."""
    return f"{round(100 * share)} %".replace("-", "−") if math.isfinite(share) else NOTHING
