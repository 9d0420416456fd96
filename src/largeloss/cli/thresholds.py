"""``largeloss thresholds``: which scores become tags, and calibrated scores."""

from pathlib import Path
from typing import Annotated

import typer

from largeloss.watch import if_interrupted


def thresholds(
    run: Annotated[Path, typer.Argument(help="A finished run folder.")],
    aim: Annotated[
        str, typer.Option("--aim", help="f1, precision=P or recall=R, as in precision=0.9.")
    ] = "f1",
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate/--no-calibrate",
            help="Fit the scores to val, or leave them as the network gives them.",
        ),
    ] = True,
) -> None:
    """Choose RUN's thresholds for an aim on val; calibrate its scores; save both with the model."""
    from largeloss.cli.console import note, out, say
    from largeloss.metrics.aims import Aim
    from largeloss.runs.arguments import check_runs

    parsed = Aim.parse(aim)
    check_runs([run])
    from largeloss.cli import summary
    from largeloss.runs.thresholds import choose_thresholds

    with if_interrupted(f"The thresholds of {run} are as they were."):
        found = choose_thresholds(run, parsed, calibrate)
    basis, *notes = found.notes
    for text in notes:
        note(text)
    out.print(summary.threshold_table(found))
    for split, came in (("val", found.chosen_for.val), ("test", found.chosen_for.test)):
        say(f"{split}, all classes together: {summary.shares(came)} (%).")
    for what, measured in found.reliability.items():
        say(
            f"Scores {what} calibration, on test: expected calibration error "
            f"{100 * measured.expected_error:.1f} points, Brier {measured.brier:.4f}, log loss "
            f"{measured.log_loss:.4f}."
        )
    say(basis)
    say(f"Saved in {run / 'best/config.json'}, and used by predict and evaluate.")
