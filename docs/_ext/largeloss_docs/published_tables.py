"""The published numbers that `largeloss reproduce` compares runs with."""

from largeloss.experiments import published
from largeloss.experiments.published import Column, PublishedTable
from largeloss_docs.markdown import cell, code, prose, table


def markdown() -> str:
    """A section for each table of the paper."""
    text = []
    for one in published.TABLES.values():
        text += [f"## {one.title} (`{one.name}`)", prose(f"Source: {one.source}.")]
        heads = ("method", *(cell(f"{c.block} {c.title}".strip()) for c in one.columns))
        rows = [
            (code(method), *(_value(one, method, column) for column in one.columns))
            for method in one.values
        ]
        text.append(table(heads, rows))
        made = f" Ours is read from `{one.file}` of a run"
        made += f", which `{one.made_by}` writes." if one.made_by else ", which training writes."
        text.append(made.strip())
        text += [prose(note) for note in one.notes]
    return "\n\n".join(text) + "\n"


def _value(table: PublishedTable, method: str, column: Column) -> str:
    value, band = table.published(method, column), table.band(method, column)
    text = "–" if value is None else f"{value:.1f}"
    return f"{text} ({band[0]:.1f} to {band[1]:.1f})" if band else text
