"""``largeloss labels``: label edits listed, applied, undone, exchanged; one command per file."""

import typer

from largeloss.cli.labels import apply, export, import_, log, revert

app = typer.Typer(
    name="labels",
    help="List, apply, undo and exchange label edits.",
    no_args_is_help=True,
    add_completion=False,
)
app.command("log")(log.log)
app.command("apply")(apply.apply)
app.command("revert")(revert.revert)
app.command("export")(export.export)
app.command("import")(import_.import_)
