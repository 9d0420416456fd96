"""Pages of results: a study replaces its own section, what stands around it is written by hand."""

import re
import statistics
from collections.abc import Sequence
from pathlib import Path

REFERENCE = Path("docs/reference")


def put(page: Path, section: str) -> None:
    """Replaces the section of the same title, ``## Title``; a new one goes to the end."""
    title = section.split("\n", 1)[0]
    parts = re.split(r"(?m)^(?=## )", page.read_text(encoding="utf-8"))
    places = [place for place, part in enumerate(parts) if part.split("\n", 1)[0] == title]
    if places:
        parts[places[0]] = section
    else:
        parts.append(section)
    page.write_text("\n\n".join(part.strip() for part in parts) + "\n", encoding="utf-8")


def spread(values: Sequence[float], decimals: int) -> str:
    """Mean ± sample standard deviation."""
    return f"{statistics.fmean(values):.{decimals}f} ± {statistics.stdev(values):.{decimals}f}"
