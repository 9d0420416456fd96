"""Tables for the output of a notebook's cell."""

from collections.abc import Sequence
from html import escape


def html_table(titles: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> str:
    """An HTML table, with every cell escaped."""

    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    body = "\n".join(line(cells, "td") for cells in rows)
    return f"<table><caption>{escape(caption)}</caption>\n{line(titles, 'th')}\n{body}</table>"
