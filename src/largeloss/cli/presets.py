"""``largeloss presets``: published settings by name."""

from typing import Annotated

import typer


def presets(
    name: Annotated[
        str | None, typer.Argument(help="Shows all settings of one, for example voc2012/ll-r.")
    ] = None,
) -> None:
    """List the presets with their sources, or show the settings of one."""
    import yaml
    from rich.table import Table

    from largeloss import presets as library
    from largeloss.cli.console import out, say

    if name is not None:
        preset = library.find_preset(name)
        say(f"# {preset.name}: {preset.source}")
        say(yaml.safe_dump(preset.settings, sort_keys=False).rstrip())
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("Preset", no_wrap=True)
    table.add_column("Method's own and optimiser", ratio=2)
    table.add_column("Source", ratio=3)
    for preset in library.presets().values():
        shown = {
            key: value
            for section in ("method", "training")
            for key, value in preset.settings[section].items()
            if key in ("delta_rel", "expected_positives", "smoothing", "optimizer", "lr")
        }
        settings = ", ".join(f"{key} {value}" for key, value in shown.items())
        table.add_row(preset.name, settings or "as the method has it", preset.source)
    out.print(table)
    say("All settings of one: largeloss presets voc2012/ll-r")
