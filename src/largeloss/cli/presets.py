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

    from largeloss import presets as library
    from largeloss.cli.console import out, say
    from largeloss.report.tables import text_table

    if name is not None:
        preset = library.find_preset(name)
        say(f"# {preset.name}: {preset.source}")
        say(yaml.safe_dump(preset.settings, sort_keys=False).rstrip())
        return
    rows = []
    for preset in library.presets().values():
        shown = {
            key: value
            for section in ("method", "training")
            for key, value in preset.settings[section].items()
            if key in ("delta_rel", "expected_positives", "smoothing", "optimizer", "lr")
        }
        settings = ", ".join(f"{key} {value}" for key, value in shown.items())
        rows.append((preset.name, settings or "as the method has it", preset.source))
    out.print(text_table(("Preset", "Method's own and optimiser", "Source"), rows, left=3))
    say("All settings of one: largeloss presets voc2012/ll-r")
