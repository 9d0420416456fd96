"""``largeloss data``: collections brought in, examined, split and joined; one command per file."""

import typer

from largeloss.cli.data import check, digits, import_, join, split

app = typer.Typer(
    name="data",
    help="Bring in, examine, split and join collections.",
    no_args_is_help=True,
    add_completion=False,
)
app.command("import")(import_.import_)
app.command("check")(check.check)
app.command("split")(split.split)
app.command("join")(join.join)
app.command("digits")(digits.digits)
