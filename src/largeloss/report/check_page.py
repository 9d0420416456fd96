"""The report of ``largeloss data check``: one HTML file without external requests."""

from collections.abc import Sequence
from pathlib import Path

from largeloss.data.examine.examination import Examination
from largeloss.files import write_text
from largeloss.report.class_counts import ClassCounts, class_counts, ends
from largeloss.report.jinja import rendered

LISTED = 10
"""The page lists at most this many unreadable images and groups of identical files."""


def write_check_page(path: Path, found: Examination, remarks: Sequence[str], command: str) -> None:
    """Writes the page atomically.

    ``remarks`` are those of the import and of reading the data; ``command`` writes the page again.
    """
    first, left_out, last = ends(class_counts(found))
    images, groups = found.image_statistics, found.duplicates or ()
    entries = {
        name: ClassCounts(name, sum(split.present), sum(split.absent), sum(split.unobserved))
        for name, split in found.splits.items()
    }
    text = rendered(
        "check.html",
        found=found,
        remarks=remarks,
        command=command,
        first=first,
        left_out=left_out,
        last=last,
        entries=entries,
        broken=list(images.broken.values())[:LISTED] if images else [],
        groups=groups[:LISTED],
    )
    write_text(path, text)
