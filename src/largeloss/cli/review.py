"""``largeloss review``: the suggestions of a run, answered in the browser."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from largeloss.watch import if_interrupted


def review(
    run: Annotated[Path, typer.Argument(help="The folder of a finished run.")],
    class_name: Annotated[
        str | None, typer.Option("--class", help="The class that the page begins with.")
    ] = None,
    audit: Annotated[
        int, typer.Option("--audit", min=0, help="Entries of each class that the audit asks for.")
    ] = 50,
    host: Annotated[
        str,
        typer.Option("--host", help="Another address than this machine's own needs a token."),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any free one.")] = 8000,
    token: Annotated[
        str | None, typer.Option("--token", help="In place of one that is made and printed.")
    ] = None,
) -> None:
    """Review the suggestions of RUN in the browser: yes, no or unsure, class by class.

    Answers are kept in RUN/review, and labels stay as they are until 'largeloss labels apply'.
    """
    from largeloss.cli.console import counted, note, say
    from largeloss.runs.arguments import check_runs

    check_runs([run])
    from largeloss.review.checks import check_reviewable
    from largeloss.review.serve import listen, serve
    from largeloss.review.session import Review

    def ready() -> None:
        fields = {} if class_name is None else {"class": class_name}
        say(f"Review of {run}: {place.address(**fields)}")
        if place.token is not None:
            note("Whoever has this address can answer; it is sent without encryption.")
        say("Several reviewers add reviewer=NAME to the address. Ctrl-C ends the review.")

    check_reviewable(run, class_name)
    with listen(host, port, token) as place, ExitStack() as stack:
        with if_interrupted("Nothing was answered yet, and all earlier answers are kept."):
            opened = stack.enter_context(Review(run, audit, note))
        serve(opened, place, ready)
        kept = opened.kept
    say(
        f"Answers to {counted(kept, 'label')} are kept in {run / 'review'}. Go on with the same "
        f"command, or write corrected labels: largeloss labels apply {run} --out "
        "corrected.csv"
    )
