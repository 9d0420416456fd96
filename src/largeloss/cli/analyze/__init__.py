"""``largeloss analyze``: what a finished run shows; one question a subcommand."""

import typer

from largeloss.cli.analyze import cam, corrections, examples, memorization, pointing

app = typer.Typer(help="Look into finished runs.", no_args_is_help=True)
app.command("memorization")(memorization.memorization)
app.command("corrections")(corrections.corrections)
app.command("examples")(examples.examples)
app.command("cam")(cam.cam)
app.command("pointing")(pointing.pointing)
