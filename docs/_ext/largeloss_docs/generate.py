"""Pages of the reference that are written from the code when the site is built."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from largeloss_docs import (
    commands,
    gallery,
    methods,
    not_executed,
    preset_tables,
    published_tables,
    python_api,
    result_table,
    settings,
    signatures,
)

GENERATED = Path(__file__).parents[2] / "_generated"
PARTS: dict[str, Callable[[], str]] = {
    "not-run": not_executed.markdown,
    "commands": commands.markdown,
    "settings": settings.markdown,
    "methods": methods.markdown,
    "presets": preset_tables.markdown,
    "published": published_tables.markdown,
    "errors": python_api.errors,
    "result": result_table.markdown,
    "gallery": gallery.markdown,
} | {
    f"python-{name or 'largeloss'}": partial(python_api.markdown, name)
    for name in python_api.PACKAGES
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
    app.connect("autodoc-process-docstring", python_api.process_docstring, priority=100)
    app.connect("autodoc-process-signature", signatures.process_signature)
    return {"parallel_read_safe": True}
