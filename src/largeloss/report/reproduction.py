"""A published table beside our runs, and the plan of what is missing."""

from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from largeloss.experiments.finished import Group
from largeloss.experiments.reproduction import Cell, Demand, Layout
from largeloss.report.tables import METHOD_TITLES, NOTHING, number

LEGEND = (
    "Ours: mean ± standard deviation (seeds). Beside it, as published [least and most of "
    "independent re-runs]."
)
ESTIMATE = (
    "Time: runs to do × the mean of the finished runs of the same data and protocol, one after "
    "another; unknown until the first of them is finished. A run that has begun counts whole, and "
    "reading the data is left out."
)


def ours(cell: Cell) -> str:
    """Our value as displayed."""
    if cell.mean is None:
        return "unmeasured" if cell.num_finished else "not run"
    spread = "" if cell.std is None else f" ± {number(cell.std)}"
    return f"{number(cell.mean)}{spread} ({len(cell.values)})"


def theirs(cell: Cell) -> str:
    """The published value and the re-runs' band as displayed."""
    value = NOTHING if cell.published is None else number(cell.published)
    return value if cell.reruns is None else f"{value} [{'–'.join(map(number, cell.reruns))}]"


def duration(seconds: float) -> str:
    """About how long, in words."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def reproduction_tables(layout: Layout) -> list[Table]:
    """For a terminal: a table a part; in each cell ours above what was published."""
    tables = []
    for block in layout.blocks:
        table = Table(title=block, title_justify="left", box=None, padding=(0, 1, 0, 0))
        table.add_column("Method")
        for column in layout.columns:
            if column.block == block:
                table.add_column(column.title)
        for method in layout.methods:
            cells = layout.row(method, block)
            texts = (Text(f"{ours(cell)}\n{theirs(cell)}") for cell in cells)
            table.add_row(Text(METHOD_TITLES.get(method, method)), *texts)
        tables.append(table)
    return tables


def plan_table(demands: Sequence[Demand], remarks: Mapping[Group, str]) -> Table:
    """For a terminal: what is missing, and how long it would take."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("Data", "Protocol", "Finished", "To run", "Time", "Remark"):
        table.add_column(title)
    for demand in demands:
        done = len(demand.wanted) - len(demand.missing)
        begun = f" ({demand.num_begun} begun)" if demand.num_begun else ""
        table.add_row(
            demand.group.collection,
            demand.group.protocol,
            f"{done} of {len(demand.wanted)}",
            f"{len(demand.missing)}{begun}",
            estimate(demand),
            Text(remarks.get(demand.group, "")),
        )
    return table


def estimate(demand: Demand) -> str:
    """How long what is missing would take, and how that was got."""
    if not demand.missing:
        return NOTHING
    if demand.estimate is None or demand.seconds_per_run is None:
        return "unknown"
    return (
        f"about {duration(demand.estimate)} ({len(demand.missing)} × "
        f"{duration(demand.seconds_per_run)}, the mean of {len(demand.seconds)} finished)"
    )


def total(demands: Sequence[Demand]) -> str:
    """All that is missing, in a sentence."""
    known = [(len(d.missing), d.estimate) for d in demands if d.estimate is not None]
    runs, timed = sum(len(d.missing) for d in demands), sum(number for number, _ in known)
    if not runs:
        return "Nothing is missing."
    parts = []
    if timed:
        parts.append(f"about {duration(sum(seconds for _, seconds in known))} for {timed} of them")
    if timed < runs:
        parts.append(f"{runs - timed} of unknown length")
    return f"Missing: {runs} {'run' if runs == 1 else 'runs'}; {', '.join(parts)}."


def reproduction_markdown(layout: Layout, notes: Sequence[str]) -> str:
    """For a README, ending in a line break."""
    lines = [f"# {layout.table.title}", "", LEGEND, f"Published: {layout.table.source}."]
    for block in layout.blocks:
        titles = [column.title for column in layout.columns if column.block == block]
        header = ["Method", *(text for title in titles for text in (title, "published"))]
        lines += ["", f"## {block}", "", _line(header), _line([":--", *["--:"] * 2 * len(titles)])]
        for method in layout.methods:
            cells = layout.row(method, block)
            texts = (text for cell in cells for text in (ours(cell), theirs(cell)))
            lines.append(_line([METHOD_TITLES.get(method, method), *texts]))
    if notes:
        lines += ["", *(f"- {text}" for text in notes)]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"
