"""The report of ``largeloss data check``: one HTML file without external requests."""

from dataclasses import dataclass
from pathlib import Path

from largeloss.data.examine.examination import Examination
from largeloss.files import write_text
from largeloss.report.class_counts import class_counts
from largeloss.report.ends import ends
from largeloss.report.jinja import rendered

LISTED = 10
"""The page lists at most this many unreadable images and groups of identical files."""


@dataclass(frozen=True)
class CheckPage:
    """The content of the page."""

    found: Examination
    remarks: tuple[str, ...]
    """Remarks of the import and of reading the data folder."""
    command: str
    """The command that writes the page again."""


def write_check_page(path: Path, page: CheckPage) -> None:
    """Writes the page atomically."""
    found = page.found
    first, left_out, last = ends(class_counts(found))
    images, groups = found.image_statistics, found.duplicates or ()
    text = rendered(
        "check.html",
        page=page,
        found=found,
        first=first,
        left_out=left_out,
        last=last,
        entries={name: _entries(name, found) for name in found.splits},
        broken=list(images.broken.values())[:LISTED] if images else [],
        groups=groups[:LISTED],
    )
    write_text(path, text)


def _entries(name: str, found: Examination) -> tuple[int, int, int, float, float]:
    """Present, absent and unobserved entries of a split; then the first two in percent."""
    split = found.splits[name]
    present, absent, unobserved = (
        sum(numbers) for numbers in (split.present, split.absent, split.unobserved)
    )
    total = max(1, present + absent + unobserved)
    return present, absent, unobserved, 100 * present / total, 100 * absent / total
