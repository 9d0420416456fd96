"""What the examination of a data folder found, as one HTML file that needs nothing else."""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from largeloss.data.examine.examination import Examination
from largeloss.files import write_text
from largeloss.report.class_counts import class_counts
from largeloss.report.ends import ends

CLASSES = 40
"""So many of the most and of the least frequent classes are shown; all where there are few."""
LISTED = 10
"""So many images and groups are listed."""


@dataclass(frozen=True)
class CheckPage:
    """All that the page says."""

    found: Examination
    remarks: tuple[str, ...]
    """What was decided at import and on reading."""
    command: str
    """What makes the page again."""


def write_check_page(path: Path, page: CheckPage) -> None:
    """Writes the page; it appears when it is complete."""
    write_text(path, _rendered(page))


def _rendered(page: CheckPage) -> str:
    environment = Environment(
        loader=PackageLoader("largeloss.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = lambda value: f"{value:,}"
    found = page.found
    first, left_out, last = ends(class_counts(found), CLASSES)
    images, groups = found.image_statistics, found.duplicates or ()
    return environment.get_template("check.html").render(
        page=page,
        found=found,
        first=first,
        left_out=left_out,
        last=last,
        entries={name: _entries(name, found) for name in found.splits},
        broken=list(images.broken.values())[:LISTED] if images else [],
        groups=groups[:LISTED],
    )


def _entries(name: str, found: Examination) -> tuple[int, int, int, float, float]:
    """Present, absent and unobserved entries of a split; the first two in percent, too."""
    split = found.splits[name]
    present, absent, unobserved = (
        sum(numbers) for numbers in (split.present, split.absent, split.unobserved)
    )
    total = max(1, present + absent + unobserved)
    return present, absent, unobserved, 100 * present / total, 100 * absent / total
