"""A published table beside our runs, and the plan of the missing runs."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from largeloss.experiments.finished import Group
from largeloss.experiments.reproduction import Cell, FilledTable, GroupPlan
from largeloss.losses import title_of
from largeloss.report.tables import NOTHING, markdown_table, number, text_table

LEGEND = (
    "Ours: mean ± standard deviation (number of seeds). Beside it: published value [lowest and "
    "highest value of independent re-runs]."
)
ESTIMATE = (
    "Time: number of missing runs × mean time of the finished runs with the same data and "
    "protocol, one run after another; unknown until one of them is finished. An interrupted run "
    "counts as a whole run; the time to read the data is not included."
)


def ours(cell: Cell) -> str:
    """Text of our value."""
    if cell.mean is None:
        return "unmeasured" if cell.num_finished else "not run"
    spread = "" if cell.std is None else f" ± {number(cell.std)}"
    return f"{number(cell.mean)}{spread} ({len(cell.values)})"


def theirs(cell: Cell) -> str:
    """Text of the published value and of the range of the re-runs."""
    value = NOTHING if cell.published is None else number(cell.published)
    return value if cell.reruns is None else f"{value} [{'–'.join(map(number, cell.reruns))}]"


def duration(seconds: float) -> str:
    """Text of a time, rounded."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def reproduction_tables(filled: FilledTable) -> list[Table]:
    """For a terminal: one table a block; each cell has our value above the published one."""
    tables = []
    for block in filled.blocks:
        titles = ["Method", *(c.title for c in filled.columns if c.block == block)]
        rows = [
            [title_of(method), *(f"{ours(c)}\n{theirs(c)}" for c in filled.row(method, block))]
            for method in filled.methods
        ]
        table = text_table(titles, rows, left=len(titles))
        table.title, table.title_justify, table.padding = block, "left", (0, 1, 0, 0)
        tables.append(table)
    return tables


def plan_table(plans: Sequence[GroupPlan], remarks: Mapping[Group, str]) -> Table:
    """For a terminal: the missing runs of each group, and their estimated time."""
    rows = [
        (
            plan.group.collection,
            plan.group.protocol,
            f"{len(plan.wanted) - len(plan.missing)} of {len(plan.wanted)}",
            f"{len(plan.missing)}{f' ({plan.num_begun} begun)' if plan.num_begun else ''}",
            estimate(plan),
            remarks.get(plan.group, ""),
        )
        for plan in plans
    ]
    titles = ("Data", "Protocol", "Finished", "To run", "Time", "Remark")
    return text_table(titles, rows, left=len(titles))


def estimate(plan: GroupPlan) -> str:
    """Estimated time of the missing runs, and how it was computed."""
    if not plan.missing:
        return NOTHING
    if plan.estimate is None or plan.seconds_per_run is None:
        return "unknown"
    return (
        f"about {duration(plan.estimate)} ({len(plan.missing)} × "
        f"{duration(plan.seconds_per_run)}, the mean of {len(plan.seconds)} finished)"
    )


def total(plans: Sequence[GroupPlan]) -> str:
    """A sentence on all missing runs."""
    known = [(len(plan.missing), plan.estimate) for plan in plans if plan.estimate is not None]
    runs, timed = sum(len(plan.missing) for plan in plans), sum(number for number, _ in known)
    if not runs:
        return "Nothing is missing."
    parts = []
    if timed:
        parts.append(f"about {duration(sum(seconds for _, seconds in known))} for {timed} of them")
    if timed < runs:
        parts.append(f"{runs - timed} of unknown length")
    return f"Missing: {runs} {'run' if runs == 1 else 'runs'}; {', '.join(parts)}."


def reproduction_markdown(filled: FilledTable, notes: Sequence[str]) -> str:
    """For a README, ending in a line break."""
    text = f"# {filled.table.title}\n\n{LEGEND}\nPublished: {filled.table.source}.\n"
    for block in filled.blocks:
        titles = [column.title for column in filled.columns if column.block == block]
        header = ["Method", *(name for title in titles for name in (title, "published"))]
        rows = [
            [title_of(method), *(f(c) for c in filled.row(method, block) for f in (ours, theirs))]
            for method in filled.methods
        ]
        text += f"\n## {block}\n\n{markdown_table(header, rows)}"
    return text + ("\n" + "".join(f"- {note}\n" for note in notes) if notes else "")
