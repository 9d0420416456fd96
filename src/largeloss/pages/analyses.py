"""Analyses of recorded runs for a report: memorisation and corrections, or why there are none."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from largeloss.analysis.corrections import Corrections, corrections
from largeloss.analysis.memorization import Memorization, memorization
from largeloss.config import RunConfig
from largeloss.errors import LargelossError
from largeloss.runs.data import RunData
from largeloss.runs.recorded_labels import RecordedLabels, recorded_labels, write_analysis

Found = TypeVar("Found", Memorization, Corrections)
Reader = Callable[[RunConfig], RunData]


@dataclass(frozen=True)
class Analyses:
    """Of several runs; each analysis is kept in its run's ``analysis/``, too."""

    memorization: tuple[tuple[str, Memorization], ...]
    corrections: tuple[tuple[str, Corrections], ...]
    labels: tuple[RecordedLabels, ...]
    """Of the runs whose recording and data can be read."""
    missing: Mapping[str, str]
    """Why an analysis could be made of no run."""


def analyses(runs: Sequence[tuple[str, Path]], read: Reader) -> Analyses:
    """Analyses whatever was recorded by ``runs``, which are titles and folders."""
    opened: list[tuple[str, RecordedLabels]] = []
    missing: dict[str, str] = {}
    for title, run in runs:
        try:
            opened.append((title, recorded_labels(run, read)))
        except LargelossError as error:
            missing = {name: str(error) for name in ("memorization", "corrections")}

    def made(
        name: str, analyse: Callable[[RecordedLabels], Found]
    ) -> tuple[tuple[str, Found], ...]:
        parts = []
        for title, labels in opened:
            try:
                found = analyse(labels)
            except LargelossError as error:
                missing[name] = str(error)
                continue
            content: dict[str, Any] = {"method": labels.method, **found.as_json()}
            write_analysis(labels.run, name, content)
            parts.append((title, found))
        if parts:
            missing.pop(name, None)
        return tuple(parts)

    memorized = made("memorization", lambda x: memorization(x.recorded, x.training, x.reference))
    corrected = made(
        "corrections", lambda x: corrections(x.recorded, x.training, x.reference, x.classes)
    )
    return Analyses(memorized, corrected, tuple(labels for _, labels in opened), missing)
