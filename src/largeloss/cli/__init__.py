"""The command line: one subcommand per file; parse, call, exit code."""

import os
import warnings
from collections.abc import Sequence
from os import PathLike
from typing import Any

import typer
from typer.main import get_command

from largeloss.cli import (
    analyze,
    compare,
    data,
    demo,
    evaluate,
    export,
    labels,
    methods,
    predict,
    presets,
    report,
    reproduce,
    review,
    suggest,
    thresholds,
    train,
    tune,
)
from largeloss.cli.console import bars, complain, remember, say
from largeloss.errors import CompleteLabelsWarning, InputError, Interrupted, LargelossError
from largeloss.version import __version__
from largeloss.watch import shown_by

app = typer.Typer(
    name="largeloss",
    help="Train multi-label image classifiers from incomplete labels.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("predict")(predict.predict)
app.command("suggest")(suggest.suggest)
app.command("thresholds")(thresholds.thresholds)
app.command("review")(review.review)
app.command("export")(export.export)
app.command("compare")(compare.compare)
app.command("tune")(tune.tune)
app.command("report")(report.report)
app.command("reproduce")(reproduce.reproduce)
app.command("demo")(demo.demo)
app.command("methods")(methods.methods)
app.command("presets")(presets.presets)
app.add_typer(analyze.app, name="analyze")
app.add_typer(data.app)
app.add_typer(labels.app)


def _version(asked: bool) -> None:
    if asked:
        say(f"largeloss {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    debug: bool = typer.Option(False, "--debug", help="Show tracebacks (anywhere on the line)."),
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version and exit."
    ),
) -> None:
    """Train multi-label image classifiers from incomplete labels."""


def _without_values(command: Any) -> Any:
    """``command`` and those below it; help shows ``--resume``, not ``--resume <bool>``."""
    for option in command.get_params(typer.Context(command)):
        if getattr(option, "is_flag", False) and option.metavar is None:
            option.metavar = ""
    for below in getattr(command, "commands", {}).values():
        _without_values(below)
    return command


def _unexpected(error: Exception) -> str:
    """What an error means that nobody has foreseen."""
    if isinstance(error, PermissionError) and isinstance(error.filename, str | bytes | PathLike):
        return (
            f"{os.fsdecode(error.filename2 or error.filename)}: you may not read or write there, "
            f"the system says ({error.strerror}). Give yourself the right to, or name another "
            "place; under Windows it may be open in another program."
        )
    return (
        f"Unexpected {type(error).__name__}: {error}\nThis is a defect of largeloss. Run the "
        "command again with --debug and report what it prints."
    )


def _hint(error: typer.TyperException) -> str:
    """How commands without ``--resume`` go on, where it was given; begins with a blank."""
    context = getattr(error, "ctx", None)
    name = None if context is None else context.info_name
    asked = getattr(error, "option_name", None) == "--resume"
    if not asked or name not in ("compare", "tune", "reproduce"):
        return ""
    return (
        f" {name} needs no --resume: the same command again, with the same --"
        f"{'runs' if name == 'reproduce' else 'out'}, goes on where it stopped."
    )


def run(arguments: Sequence[str]) -> int:
    """Runs a command.

    Returns:
        The exit code: 0 done, 1 a run failed, 2 wrong input, 130 and 143 stopped by a signal.
    """
    debug = "--debug" in arguments
    rest = [argument for argument in arguments if argument != "--debug"]
    remember(rest)
    try:
        with warnings.catch_warnings(), shown_by(bars()):
            warnings.simplefilter("ignore", CompleteLabelsWarning)  # said as a note
            code = _without_values(get_command(app))(
                rest, prog_name="largeloss", standalone_mode=False
            )
    except (typer.Abort, KeyboardInterrupt):
        code = 130
    except typer.TyperException as error:
        if error.format_message():  # none where the help was shown instead
            complain(error.format_message() + _hint(error))
        return 2
    except Interrupted as stop:
        complain(str(stop))
        return 128 + stop.number
    except LargelossError as error:
        if debug:
            raise
        complain(str(error))
        return 2 if isinstance(error, InputError) else 1
    except Exception as error:
        if debug:
            raise
        complain(_unexpected(error))
        return 1
    if code == 130:
        complain(
            "Interrupted at once. What was saved is kept; to go on, give the same command again "
            "(train: with --resume)."
        )
    return code if isinstance(code, int) else 0
