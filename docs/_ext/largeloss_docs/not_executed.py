"""The blocks that tests/docs does not execute, by page, with the reason."""

from itertools import groupby

from not_run import not_run

from largeloss_docs.markdown import code, table


def markdown() -> str:
    """A table for each page."""
    text = []
    for page, found in groupby(not_run(), lambda one: one[0].page):
        rows = [(str(block.line), code(line), why) for block, line, why in found]
        text += [f"## `{page}`", table(("line", "begins", "why it is not executed"), rows)]
    return "\n\n".join(text) + "\n"
