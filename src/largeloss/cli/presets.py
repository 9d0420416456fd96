"""``largeloss presets``: published settings by name."""


def presets() -> None:
    """List the presets with their settings and sources."""
    from rich.table import Table

    from largeloss import presets as library
    from largeloss.cli.console import out

    table = Table("Preset", "Settings", "Source", box=None, padding=(0, 2, 1, 0))
    for preset in library.presets().values():
        settings = (
            f"{section}.{name}={value}"
            for section, values in preset.settings.items()
            for name, value in values.items()
        )
        table.add_row(preset.name, ", ".join(settings), preset.source)
    out.print(table)
