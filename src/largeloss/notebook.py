"""Tables for the output of a notebook's cell, and for dataframes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import pyarrow as pa

SHOWN = 20
"""Rows of a long table in a cell."""


@dataclass(frozen=True)
class Table:
    """Columns of equal length; a notebook shows them."""

    columns: Mapping[str, Sequence[Any]]
    caption: str = ""

    def to_arrow(self) -> pa.Table:
        """For dataframes: pandas has it by ``.to_pandas()``, polars by ``polars.from_arrow``."""
        return pa.table({name: pa.array(values) for name, values in self.columns.items()})

    def _repr_html_(self) -> str:
        rows = zip(*self.columns.values(), strict=True)
        return html_table(
            [*self.columns], [[_text(value) for value in row] for row in rows], self.caption
        )


def html_table(titles: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> str:
    """An HTML table, with every cell escaped."""

    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    body = "\n".join(line(cells, "td") for cells in rows)
    return f"<table><caption>{escape(caption)}</caption>\n{line(titles, 'th')}\n{body}</table>"


def _text(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
