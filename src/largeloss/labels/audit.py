"""``RUN/review/audit.json``: how many tags are missing, as the answers to a random sample say."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from largeloss.errors import LabelError
from largeloss.files import checksummed_json, read_text, verified_json, write_text
from largeloss.notebook import html_table

AUDIT = "review/audit.json"
"""Below a run folder."""


@dataclass(frozen=True)
class Audited:
    """What the sample of one class says, or that of several together.

    Shares are fractions of the unobserved entries of the training images; limits hold in 95 of 100
    samples. The lower one takes unsure answers for absent, the upper one for present.
    """

    population: int
    """Unobserved entries."""
    sampled: int
    """Entries that were drawn."""
    answered: int
    """Of those sampled: yes, no or unsure."""
    present: int
    """Answered yes."""
    unsure: int
    """Unsure, or reviewers disagree."""
    estimate: float | None
    """Share of missing tags; None where nothing is answered."""
    low: float
    high: float

    @property
    def in_percent(self) -> tuple[str, str, str]:
        """Estimate and limits."""
        shares = (self.estimate, self.low, self.high)
        estimate, low, high = ("–" if one is None else f"{100 * one:.1f}" for one in shares)
        return estimate, low, high


@dataclass(frozen=True)
class Audit:
    """Share of missing tags by class and over the classes with an answer."""

    classes: tuple[str, ...]
    """C names."""
    by_class: tuple[Audited, ...]
    """C."""
    overall: Audited

    @property
    def answered(self) -> list[tuple[str, Audited]]:
        """Name and findings of the classes that have an answer: the overall share is of these."""
        named = zip(self.classes, self.by_class, strict=True)
        return [(name, one) for name, one in named if one.answered]

    def _repr_html_(self) -> str:
        rows = [
            (name, *map(str, (one.population, one.answered)), *one.in_percent)
            for name, one in [*self.answered, ("all of these", self.overall)]
        ]
        titles = ("Class", "Unobserved", "Answered", "Missing (%)", "from", "to")
        return html_table(titles, rows, "Missing tags, estimated from the audit")


def write_audit(path: Path, audit: Audit) -> None:
    """Writes ``audit.json``, atomically.

    Raises:
        RunError: it cannot be written; what was there is as it was.
    """
    named = zip(audit.classes, audit.by_class, strict=True)
    content = {
        "overall": {"classes": len(audit.answered), **asdict(audit.overall)},
        "classes": [{"class": name, **asdict(one)} for name, one in named],
    }
    write_text(path, checksummed_json(content))


def read_audit(path: Path) -> Audit | None:
    """What :func:`write_audit` wrote; None where there is no such file.

    Raises:
        LabelError: it cannot be read, or is not as it was written.
    """
    if not path.exists():
        return None
    try:
        content = verified_json(read_text(path))
        lines: Sequence[dict[str, Any]] = content["classes"]
        return Audit(
            tuple(str(line["class"]) for line in lines),
            tuple(_audited(line) for line in lines),
            _audited(content["overall"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LabelError(
            f"{path} cannot be read ({error}). Remove it: the next 'largeloss review' writes it "
            "again."
        ) from None


def _audited(line: dict[str, Any]) -> Audited:
    estimate = line["estimate"]
    return Audited(
        population=int(line["population"]),
        sampled=int(line["sampled"]),
        answered=int(line["answered"]),
        present=int(line["present"]),
        unsure=int(line["unsure"]),
        estimate=None if estimate is None else float(estimate),
        low=float(line["low"]),
        high=float(line["high"]),
    )
