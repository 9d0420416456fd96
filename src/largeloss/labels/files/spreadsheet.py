"""Names in CSV that people open in a spreadsheet, which would take some of them for formulas."""

import re

_FORMULA = re.compile("[=+@\t\r\n-]")


def spreadsheet_cell(text: str) -> str:
    """``text``, after an apostrophe where a spreadsheet would take it for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def text_of_cell(cell: str) -> str:
    """What :func:`spreadsheet_cell` made a cell of."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell
