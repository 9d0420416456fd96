"""Options that the commands on label edits share, and how edits are shown."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from largeloss.labels import LabelEdits
    from largeloss.labels.edited_copies import Applied

SHOWN = 10
"""Edits that do not fit are shown for each reason, the others counted."""
WORDS = {1: "present", 0: "absent", -1: "unobserved"}

Source = Annotated[Path, typer.Argument(help="A run folder, or a Parquet file of label edits.")]
NewFile = Annotated[
    Path, typer.Option("--out", help="The copy to write; it must be new.", show_default=False)
]
Unlisted = Annotated[
    str | None,
    typer.Option(
        "--unlisted", help="For a list of tags, as of 'largeloss train'.", show_default=False
    ),
]


def entries(number: int) -> str:
    """``1 entry``, ``2 entries``."""
    return f"{number:,} {'entry' if number == 1 else 'entries'}"


def show_left_out(applied: "Applied") -> None:
    """Every reason why edits were left out, with the first of them."""
    from largeloss.cli.console import counted, note
    from largeloss.labels.edit_fit import Verdict
    from largeloss.labels.names import first_lines

    for verdict in Verdict:
        chosen = applied.edits.select(applied.verdicts == verdict)
        if verdict == Verdict.FITS or not len(chosen):
            continue
        lines = list(edit_lines(chosen))
        note(f"Left out, {verdict}: {counted(len(chosen), 'edit')}\n{first_lines(lines, SHOWN)}")


def edit_lines(edits: "LabelEdits", details: bool = False) -> Iterable[str]:
    """``a.jpg: cat, unobserved → present (ll-cp)``, with ``details`` also when and why."""
    for place in range(len(edits)):
        words = [edits.author[place]]
        if details:
            epoch = int(edits.epoch[place])
            figures = {name: float(getattr(edits, name)[place]) for name in ("score", "loss")}
            words += [edits.time[place], f"epoch {epoch}" if epoch >= 0 else ""]
            words += [f"{name} {one:.3f}" for name, one in figures.items() if one == one]
            words.append(edits.reason[place])
        image, name = edits.images[edits.rows[place]], edits.classes[edits.columns[place]]
        change = f"{WORDS[int(edits.before[place])]} → {WORDS[int(edits.after[place])]}"
        yield f"{image}: {name}, {change} ({', '.join(filter(None, words))})"
