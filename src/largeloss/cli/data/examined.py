"""An examination on the screen and on disk."""

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from largeloss.cli.console import complain, note, say, warn
from largeloss.cli.console import out as console
from largeloss.cli.data.split_table import split_table
from largeloss.data.examine.examination import Examination
from largeloss.errors import ConfigError
from largeloss.files import write_json
from largeloss.report.check_page import write_check_page
from largeloss.report.class_counts import class_counts, ends
from largeloss.report.tables import text_table
from largeloss.runs.mean_over_classes import count_of_classes

SHOWN = 8
"""So many of the most and of the least frequent classes are printed."""


def show(found: Examination, remarks: Sequence[str]) -> None:
    """Splits, frequent and rare classes, images; remarks, warnings and errors."""
    say(f"{found.name}: {found.images:,} images, {count_of_classes(len(found.classes))}.")
    console.print(split_table(found.splits))
    console.print(_class_table(found))
    for split, missing in found.missing_positives.items():
        if missing.expected:
            low, high = missing.interval or (missing.expected, missing.expected)
            say(
                f"Missing positives in {split}: about {missing.expected:,.0f} (95 %: {low:,.0f} to "
                f"{high:,.0f}), if entries were observed at random."
            )
        elif missing.expected is None:
            say(f"Missing positives in {split}: unknown. {missing.how}")
    images = found.image_statistics
    if images is not None and images.width and images.height:
        say(
            f"Images: {images.files:,}, {images.width.smallest} to {images.width.largest} "
            f"wide and {images.height.smallest} to {images.height.largest} high, "
            f"{100 * images.grey:.1f} % grey, {images.turned:,} turned by EXIF; "
            + ("all were decoded." if images.decoded else "only headers were read.")
        )
    for text in remarks:
        note(text)
    for text in found.warnings:
        warn(text)
    for text in found.errors:
        complain(text)
    if not found.errors and not found.warnings:
        say("Nothing is wrong, and nothing surprising was found.")


def write(
    folder: Path, found: Examination, remarks: Sequence[str], command: str
) -> tuple[Path, Path]:
    """Writes ``check.json`` and ``check.html``; their paths.

    Raises:
        ConfigError: the folder cannot be written.
    """
    json_file, page = folder / "check.json", folder / "check.html"
    content = {"format": 1, **found.as_json(), "notes": list(remarks)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(json_file, content)
        write_check_page(page, found, remarks, command)
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be written ({error.strerror or error}). Choose another --out."
        ) from None
    return json_file, page


def _class_table(found: Examination) -> Table:
    """The classes that are present most and least often."""
    first, left_out, last = ends(class_counts(found), SHOWN)
    rows = [[row.name, *(f"{number:,}" for number in row.numbers)] for row in (*first, *last)]
    if left_out:
        rows.insert(SHOWN, [f"… {left_out:,} more …", "", "", ""])
    return text_table(("Class", "Present", "Absent", "Unobserved"), rows)
