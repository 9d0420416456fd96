"""All entries that a method flagged, as a table of the page that sorts and filters."""

import json
from dataclasses import dataclass
from typing import Any

SHOWN = 25
"""Rows that a page shows at a time."""
VERDICTS = ("unknown", "truly absent", "missing tag")


@dataclass(frozen=True)
class FlaggedRow:
    """One flagged entry."""

    image: str
    name: str
    """Of the class."""
    loss: float
    truth: bool | None
    """Whether the class is in the image; None where the truth is not known."""

    @property
    def verdict(self) -> int:
        """Position in :data:`VERDICTS`."""
        return 0 if self.truth is None else 1 + self.truth


@dataclass(frozen=True)
class FlaggedTable:
    """The flagged entries of a run's last epoch, the largest loss first."""

    title: str
    rows: tuple[FlaggedRow, ...]
    total: int
    """Of all flagged entries; there may be too many for a page."""

    @property
    def first(self) -> tuple[FlaggedRow, ...]:
        """The rows that are seen without a script."""
        return self.rows[:SHOWN]

    def as_json(self) -> str:
        """For the page's script: each name once, rows as numbers; no ``<``, ``>`` or ``&``."""
        images = list(dict.fromkeys(row.image for row in self.rows))
        names = list(dict.fromkeys(row.name for row in self.rows))
        places = ({text: place for place, text in enumerate(texts)} for texts in (images, names))
        of_image, of_name = places
        content: dict[str, Any] = {
            "images": images,
            "classes": names,
            "verdicts": VERDICTS,
            "shown": SHOWN,
            "rows": [
                (of_image[row.image], of_name[row.name], round(row.loss, 3), row.verdict)
                for row in self.rows
            ],
        }
        text = json.dumps(content, separators=(",", ":"))
        for character in "<>&":
            text = text.replace(character, f"\\u{ord(character):04x}")
        return text
