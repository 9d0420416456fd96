"""``largeloss methods``: what there is to choose from."""

import inspect
import re


def methods() -> None:
    """List the methods with their papers and settings."""
    from rich.table import Table

    from largeloss.cli.console import out
    from largeloss.losses import LOSSES, RECIPES, settings_of, training_of

    table = Table(box=None, padding=(0, 2, 1, 0))
    table.add_column("Method", no_wrap=True)
    table.add_column("What it does", ratio=3)
    table.add_column("Paper", ratio=2)
    table.add_column("Settings", no_wrap=True)
    for name, method in LOSSES.items():
        first = re.split(r"(?<=[.])\s", inspect.getdoc(method) or "")[0].rstrip(".")
        settings = "\n".join(
            setting if default is None else f"{setting}={default}"
            for setting, default in settings_of(name).items()
        )
        does = f"{method.title}: {' '.join(first.split())}"
        table.add_row(name, does, method.paper, settings or "–")
    for name, recipe in RECIPES.items():
        own = {**recipe.settings, **training_of(name)}
        settings = "\n".join(f"{setting}={value}" for setting, value in own.items())
        table.add_row(name, f"{recipe.title}: {recipe.does}", "this project", settings)
    out.print(table)
