"""Pages of the reference that are written from the code when the site is built."""

from pathlib import Path
from typing import Any

import not_executed

GENERATED = Path(__file__).parents[1] / "_generated"

PARTS = {
    "not-run": not_executed.markdown,
}
"""The Markdown of each generated part, by its file's name."""


def write_all(app: Any) -> None:
    """Writes the parts that pages of the site include."""
    GENERATED.mkdir(exist_ok=True)
    for name, markdown in PARTS.items():
        (GENERATED / f"{name}.md").write_text(markdown(), encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("builder-inited", write_all)
    return {"parallel_read_safe": True}
