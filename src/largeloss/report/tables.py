"""Tables for a terminal and in Markdown; the table of a comparison."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from rich.table import Table
from rich.text import Text

from largeloss.data.dataset import NO_TEST
from largeloss.experiments.results import Comparison, MethodSummary
from largeloss.experiments.worth import Worth
from largeloss.losses import title_of
from largeloss.runs.result import Delta
from largeloss.training.evaluation import RULES

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
    has_worth: bool
    """Whether the table has a column for it."""

    @property
    def cells(self) -> tuple[str, ...]:
        """The text under each of :func:`comparison_columns`."""
        best = number(self.mean)
        return (
            method_title(self.method, self.share),
            "" if self.delta_rel is None else delta_text(self.delta_rel),
            f"{best} ± {number(self.std)}" if self.num_seeds > 1 else best,
            number(self.last),
            NOTHING if self.gap_closed is None else percent(self.gap_closed),
            *([worth_text(self.worth, self.worth_range)] if self.has_worth else []),
            str(self.num_seeds),
        )


def comparison_columns(comparison: Comparison) -> tuple[str, ...]:
    """The titles of the table."""
    worth = ["Worth"] if comparison.curve else []
    figure = f"{comparison.test_split.capitalize()} mAP (%)"
    return ("Method", "Δ", figure, "Last epoch (%)", "Gap closed", *worth, "Seeds")


def comparison_rows(comparison: Comparison) -> list[Row]:
    """A row for each method, Delta and share, in the comparison's order."""
    rows = []
    for line in comparison.summary:
        last = [
            run.last_test_map
            for run in comparison.runs
            if (run.method, run.delta_rel, run.share) == (line.method, line.delta_rel, line.share)
        ]
        rows.append(
            Row(
                **vars(line),
                last=statistics.fmean(last),
                num_seeds=len(last),
                has_worth=bool(comparison.curve),
            )
        )
    return rows


def comparison_table(comparison: Comparison) -> Table:
    """For a terminal, which has no room for the worth of single seeds."""
    cells = [replace(row, worth_range=None).cells for row in comparison_rows(comparison)]
    return text_table(comparison_columns(comparison), cells)


def comparison_markdown(comparison: Comparison) -> str:
    """For a README, ending in a line break; what the figures are stands below."""
    cells = [row.cells for row in comparison_rows(comparison)]
    below = "".join(f"\n{text}\n" for text in below_comparison(comparison))
    return markdown_table(comparison_columns(comparison), cells) + below


def below_comparison(comparison: Comparison, *, ranged: bool = True) -> list[str]:
    """What belongs below the table, wherever it is shown: that val stands for test, by which labels
    test was measured, that one seed cannot tell methods apart, and what the worth is, see
    :func:`worth_in_words`."""
    split, found = comparison.test_split, []
    if split == "val":
        found.append(
            f"{NO_TEST} Where val also chose the epoch or the settings, its figures are too high."
        )
    measured = f"{split.capitalize()} was measured by"
    found += [f"{measured} {RULES.get(rule, rule)}." for rule in comparison.test_rules]
    seeds = {run.seed for run in comparison.runs}
    if len(seeds) == 1 and len(comparison.summary) > 1:
        found.append(
            "Each method was trained with one seed, which cannot tell methods apart: another seed "
            "changes these figures, too. Three seeds or more show by how much."
        )
    if comparison.curve:
        found.append(worth_in_words(comparison, ranged=ranged))
    return found


def method_title(method: str, share: float | None = None) -> str:
    """The method as displayed, with the share of the images that it was trained on."""
    title = title_of(method)
    return title if share is None or share == 1 else f"{title} {100 * share:g} %"


def delta_title(method: str, delta_rel: Delta | None) -> str:
    """The method as displayed, with its Delta."""
    title = title_of(method)
    return title if delta_rel is None else f"{title} Δ {delta_text(delta_rel)}"


def worth_text(worth: Worth | None, seeds: tuple[Worth, Worth] | None = None) -> str:
    """``12 %``; ``< 10 %`` and ``> 60 %`` beyond the shares that were tried; in brackets the lowest
    and the highest of the ``seeds``, where they differ as shown."""
    if worth is None:
        return NOTHING
    if worth.beyond is None:
        shown = share_text(worth.share)
    else:
        shown = f"{'<' if worth.beyond == 'below' else '>'} {100 * worth.share:g} %"
    low, high = map(worth_text, seeds) if seeds else (shown, shown)
    return shown if low == high else f"{shown} ({low.removesuffix(' %')} to {high})"


def share_text(share: float) -> str:
    """In percent: whole ones, or two digits where there are less than ten."""
    return f"{100 * share:.2g} %" if share < 0.0995 else percent(share)


def worth_in_words(comparison: Comparison, *, ranged: bool = True) -> str:
    """What the column is, and the shares that have as many labels as the methods were shown.

    ``ranged``: whether the column has the worth of single seeds, too.
    """
    budget = comparison.budget
    seeds = shares = ""
    if ranged and any(line.worth_range is not None for line in comparison.summary):
        seeds = "; in brackets the lowest and the highest of the seeds, each by its own curve"
    if budget is not None:
        shares = (
            f" The methods were shown as many positives as {share_text(budget.positives)} of the "
            f"images have, completely labelled, and as many yes/no decisions as "
            f"{share_text(budget.decisions)}."
        )
    return (
        "Worth: the share of the training images with which complete labels reach the same mean "
        f"{comparison.test_split} mAP, in as many steps{seeds}.{shares}"
    )


def phase_table(phases: Sequence[tuple[str, str, Sequence[str]]]) -> Table:
    """For a terminal: the paper's table of highest losses, with rows of :func:`.trends.phases`."""
    rows = ((title if phase == "warm-up" else "", phase, *cells) for title, phase, cells in phases)
    return text_table(("Share of entries (%)", "Highest loss in", "TP", "TN", "FN"), rows, left=2)


def delta_text(delta_rel: Delta) -> str:
    """Δ as it is shown: ``0.2 %`` or ``auto``."""
    return "auto" if delta_rel == "auto" else f"{delta_rel:g} %"


def number(value: float) -> str:
    """One decimal; a dash if not finite."""
    return f"{value:.1f}" if math.isfinite(value) else NOTHING


def percent(share: float) -> str:
    """A share in whole percent; a dash if not finite."""
    return f"{round(100 * share)} %".replace("-", "−") if math.isfinite(share) else NOTHING
